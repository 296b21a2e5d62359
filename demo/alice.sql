-- Alice looks at airlines and destinations.
SELECT current_user() AS signed_in_as;
SET spark.app.name;

-- Which airlines arrive late?
SELECT a.name AS airline, count(*) AS flights,
       round(avg(f.arr_delay), 1) AS minutes_late
FROM flights f JOIN airlines a ON f.carrier = a.carrier
GROUP BY a.name
ORDER BY minutes_late DESC
LIMIT 5;

-- Where does New York fly to?
SELECT p.name AS airport, count(*) AS flights,
       count(DISTINCT f.carrier) AS airlines, round(avg(f.air_time) / 60, 1) AS hours_in_the_air
FROM flights f JOIN airports p ON f.dest = p.faa
GROUP BY p.name
ORDER BY flights DESC
LIMIT 5;

-- And now every row of flights.
!set outputformat csv2
SELECT * FROM flights;
