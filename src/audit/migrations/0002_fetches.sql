-- What was fetched of a statement is an event of its own, since its end is told before; sessions may
-- be refused.

CREATE OR REPLACE VIEW hivegate.query AS
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
       coalesce(r.rows_returned, e.rows_returned) AS rows_returned,
       coalesce(r.bytes_returned, e.bytes_returned) AS bytes_returned,
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
LEFT JOIN LATERAL (
    SELECT f.rows_returned, f.bytes_returned
    FROM hivegate.event f
    WHERE s.kind = 'statement_submitted'
      AND f.statement_id = s.statement_id
      AND f.day >= s.day
      AND f.kind = 'statement_fetched'
    ORDER BY f.sequence
    LIMIT 1) r ON true
WHERE s.kind = 'statement_submitted'
   OR (s.kind = 'statement_refused' AND s.statement_id = s.id);

DROP INDEX hivegate.event_refused;
CREATE INDEX event_refused ON hivegate.event (at)
    WHERE kind IN ('login_refused', 'session_refused', 'statement_refused');

CREATE OR REPLACE VIEW hivegate.refused AS
SELECT at, kind, principal, effective_user, client_address, body ->> 'reason' AS reason,
       body ->> 'statement' AS statement, id, day
FROM hivegate.event
WHERE kind IN ('login_refused', 'session_refused', 'statement_refused');
