-- Events by day, the spools that they come from, and the questions that people ask.

CREATE TABLE hivegate.spool (
    id uuid PRIMARY KEY,
    next_sequence bigint NOT NULL DEFAULT 1,
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    host text,
    began_at timestamptz NOT NULL DEFAULT now(),
    shipped_at timestamptz
);
COMMENT ON TABLE hivegate.spool IS
    'What arrived of each spool: its next record, and the hash of the one before that';

-- The day (UTC) of an event's id: a UUID version 7 begins with milliseconds since 1970.
CREATE FUNCTION hivegate.day_of(id uuid) RETURNS date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '1970-01-01'::date
    + ((('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint) / 86400000)::int;

CREATE TABLE hivegate.event (
    day date NOT NULL CHECK (day = hivegate.day_of(id)),
    id uuid NOT NULL,
    spool uuid NOT NULL,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    statement_id uuid,
    session_id text,
    principal text,
    effective_user text,
    client_address text,
    listener text,
    pool text,
    endpoint text,
    database text,
    tables_read text[],
    tables_written text[],
    sql_state text,
    rows_returned bigint,
    bytes_returned bigint,
    run_us bigint,
    body json NOT NULL,
    PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
COMMENT ON COLUMN hivegate.event.body IS
    'The event as hivegate wrote it; the other columns are made from it, and hash covers it';

CREATE INDEX event_chain ON hivegate.event (spool, sequence);
-- with the day, so that the ends of statements are found by it alone: before a partition was analyzed,
-- PostgreSQL would read all of the primary key for "day >=" beside it, for each statement
CREATE INDEX event_statement ON hivegate.event (statement_id, day) WHERE statement_id IS NOT NULL;
CREATE INDEX event_principal ON hivegate.event (principal, at);
CREATE INDEX event_effective_user ON hivegate.event (effective_user, at)
    WHERE effective_user IS NOT NULL;
CREATE INDEX event_session ON hivegate.event (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX event_refused ON hivegate.event (at)
    WHERE kind IN ('login_refused', 'statement_refused');
CREATE INDEX event_slow ON hivegate.event (run_us DESC) WHERE run_us IS NOT NULL;
CREATE INDEX event_read ON hivegate.event USING gin (tables_read) WHERE tables_read IS NOT NULL;
CREATE INDEX event_written ON hivegate.event USING gin (tables_written)
    WHERE tables_written IS NOT NULL;

-- Makes the partitions of these days that aren't there. Attaching one doesn't keep readers out, as
-- CREATE TABLE ... PARTITION OF would.
CREATE FUNCTION hivegate.make_partitions(days date[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted date;
    name text;
BEGIN
    IF cardinality(days) > 400 THEN
        RAISE EXCEPTION 'too many days at once: %', cardinality(days);
    END IF;
    FOR wanted IN SELECT DISTINCT unnest(days) ORDER BY 1 LOOP
        name := 'event_' || to_char(wanted, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(format('hivegate.%I', name)) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(7523094288207667311);
        CONTINUE WHEN to_regclass(format('hivegate.%I', name)) IS NOT NULL;
        EXECUTE format('CREATE TABLE hivegate.%I (LIKE hivegate.event INCLUDING DEFAULTS '
            'INCLUDING CONSTRAINTS INCLUDING STORAGE)', name);
        EXECUTE format('ALTER TABLE hivegate.event ATTACH PARTITION hivegate.%I '
            'FOR VALUES FROM (%L) TO (%L)', name, wanted, wanted + 1);
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION hivegate.make_partitions(date[]) FROM PUBLIC;

-- What retention dropped, so that a check of the chain can tell it from what somebody deleted: runs
-- of records that stood in a partition, and the hash of the last of each run.
CREATE TABLE hivegate.dropped (
    day date NOT NULL,
    spool uuid NOT NULL,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    last_hash bytea NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now(),
    dropped_by text NOT NULL DEFAULT session_user,
    PRIMARY KEY (spool, first_sequence)
);

-- Drops the partitions of the days before this one, and says how many. For the owner of the tables.
CREATE FUNCTION hivegate.drop_before(first_kept date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part record;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7523094288207667311);
    FOR part IN
        SELECT c.relname, to_date(right(c.relname, -6), 'YYYYMMDD') AS day
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'hivegate.event'::regclass
        ORDER BY 1
    LOOP
        CONTINUE WHEN part.day >= first_kept;
        EXECUTE format(
            'INSERT INTO hivegate.dropped (day, spool, first_sequence, last_sequence, last_hash) '
            'SELECT %L, spool, min(sequence), max(sequence), '
            '       (array_agg(hash ORDER BY sequence DESC))[1] '
            'FROM (SELECT spool, sequence, hash, '
            '             sequence - row_number() OVER (PARTITION BY spool ORDER BY sequence) AS run '
            '      FROM hivegate.%I) AS r GROUP BY spool, run', part.day, part.relname);
        EXECUTE format('DROP TABLE hivegate.%I', part.relname);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION hivegate.drop_before(date) FROM PUBLIC;

-- One row a statement.
CREATE VIEW hivegate.query AS
SELECT s.statement_id AS id,
       s.at AS started_at,
       e.at AS finished_at,
       s.principal,
       s.effective_user,
       s.session_id,
       s.database,
       s.body ->> 'statement' AS statement,
       CASE WHEN s.kind = 'statement_refused' THEN 'refused'
            WHEN e.kind IS NULL THEN 'running'
            ELSE substr(e.kind, 11) END AS state,
       e.rows_returned,
       e.bytes_returned,
       e.run_us,
       coalesce(e.sql_state, s.sql_state) AS sql_state,
       coalesce(e.body ->> 'message', s.body ->> 'message') AS message,
       coalesce(s.body ->> 'reason', e.body ->> 'reason') AS reason,
       s.client_address,
       s.pool,
       s.endpoint,
       s.tables_read,
       s.tables_written,
       s.day
FROM hivegate.event s
LEFT JOIN LATERAL (
    SELECT f.at, f.kind, f.rows_returned, f.bytes_returned, f.run_us, f.sql_state, f.body
    FROM hivegate.event f
    WHERE s.kind = 'statement_submitted'
      AND f.statement_id = s.statement_id
      AND f.day >= s.day
      AND f.kind IN ('statement_finished', 'statement_failed', 'statement_cancelled',
                     'statement_timed_out', 'statement_refused', 'statement_unknown')
    ORDER BY f.sequence
    LIMIT 1) e ON true
WHERE s.kind = 'statement_submitted'
   OR (s.kind = 'statement_refused' AND s.statement_id = s.id);

-- Who read or wrote which table: one row for each table of each statement.
CREATE VIEW hivegate.table_access AS
SELECT t.name AS table_name, t.access, s.at, s.principal, s.effective_user, s.session_id,
       s.statement_id, s.body ->> 'statement' AS statement, s.day
FROM hivegate.event s
CROSS JOIN LATERAL (
    SELECT unnest(s.tables_read), 'read'
    UNION ALL SELECT unnest(s.tables_written), 'write') AS t (name, access)
WHERE s.kind = 'statement_submitted';

-- What took longest.
CREATE VIEW hivegate.slowest AS
SELECT e.run_us, e.at AS finished_at, e.kind, e.principal, e.effective_user, e.statement_id,
       coalesce(e.body ->> 'statement', s.body ->> 'statement') AS statement, e.day
FROM hivegate.event e
LEFT JOIN LATERAL (
    SELECT b.body FROM hivegate.event b
    WHERE b.statement_id = e.statement_id AND b.kind = 'statement_submitted' AND b.day <= e.day
    LIMIT 1) s ON true
WHERE e.run_us IS NOT NULL
ORDER BY e.run_us DESC;

-- Logins and statements that were refused, and why.
CREATE VIEW hivegate.refused AS
SELECT at, kind, principal, effective_user, client_address, body ->> 'reason' AS reason,
       body ->> 'statement' AS statement, id, day
FROM hivegate.event
WHERE kind IN ('login_refused', 'statement_refused');

-- Who may what: hivegate_writer adds events and can't see or change any; hivegate_reader reads.
DO $$
BEGIN
    IF to_regrole('hivegate_writer') IS NULL THEN
        CREATE ROLE hivegate_writer NOLOGIN;
    END IF;
    IF to_regrole('hivegate_reader') IS NULL THEN
        CREATE ROLE hivegate_reader NOLOGIN;
    END IF;
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO hivegate_writer', current_database());
END $$;
GRANT USAGE ON SCHEMA hivegate TO hivegate_writer, hivegate_reader;
GRANT SELECT ON hivegate.migration TO hivegate_writer, hivegate_reader;
GRANT INSERT ON hivegate.event TO hivegate_writer;
GRANT SELECT, INSERT, UPDATE ON hivegate.spool TO hivegate_writer;
GRANT EXECUTE ON FUNCTION hivegate.make_partitions(date[]) TO hivegate_writer;
GRANT SELECT ON hivegate.event, hivegate.spool, hivegate.dropped, hivegate.query,
    hivegate.table_access, hivegate.slowest, hivegate.refused TO hivegate_reader;
