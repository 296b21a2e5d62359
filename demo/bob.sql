-- Bob looks at planes and the weather.
SELECT current_user() AS signed_in_as;
SET spark.app.name;

-- Who built the planes?
SELECT p.manufacturer, count(DISTINCT p.tailnum) AS planes, count(*) AS flights,
       round(avg(2013 - p.year), 1) AS years_old
FROM flights f JOIN planes p ON f.tailnum = p.tailnum
GROUP BY p.manufacturer
ORDER BY flights DESC
LIMIT 5;

-- How much does poor visibility delay a departure?
SELECT CASE WHEN w.visib < 1 THEN '1: under 1 mile'
            WHEN w.visib < 5 THEN '2: 1 to 5 miles'
            ELSE '3: over 5 miles' END AS visibility,
       count(*) AS flights, round(avg(f.dep_delay), 1) AS minutes_late
FROM flights f JOIN weather w ON f.origin = w.origin AND f.time_hour = w.time_hour
GROUP BY 1
ORDER BY 1;

-- And now every row of flights.
!set outputformat csv2
SELECT * FROM flights;
