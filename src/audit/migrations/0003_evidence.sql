-- Legal holds, archives, the database's own chain of events, and the configurations that took effect.

-- Days that nobody drops until the hold is released.
CREATE TABLE hivegate.hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    reason text NOT NULL CHECK (reason <> ''),
    made_at timestamptz NOT NULL DEFAULT now(),
    made_by text NOT NULL DEFAULT session_user,
    released_at timestamptz,
    released_by text,
    release_reason text
);

CREATE FUNCTION hivegate.is_held(wanted date) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM hivegate.hold
               WHERE wanted BETWEEN first_day AND last_day AND released_at IS NULL);

-- Days that were archived: written, read back, and found right.
CREATE TABLE hivegate.archive (
    day date PRIMARY KEY,
    location text NOT NULL,
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    events bigint NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(),
    archived_by text NOT NULL DEFAULT session_user
);
COMMENT ON COLUMN hivegate.archive.sha256 IS 'Of the compressed file';

-- Appends an event that begins in the database itself: in a chain of its own, whose host is
-- "(database)". Its time is that of the database's machine.
CREATE FUNCTION hivegate.note(kind text, call text, detail text, reason text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    chain record;
    now_at timestamptz := clock_timestamp();
    milliseconds bigint := floor(extract(epoch FROM now_at) * 1000);
    id uuid;
    body text;
    link bytea;
BEGIN
    -- not the lock of make_partitions(): whoever holds that one may come here
    PERFORM pg_advisory_xact_lock(7523094288207667312);
    SELECT s.id, s.next_sequence, s.hash INTO chain FROM hivegate.spool s
        WHERE s.host = '(database)' FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO hivegate.spool (id, host) VALUES (gen_random_uuid(), '(database)')
            RETURNING spool.id, spool.next_sequence, spool.hash INTO chain;
    END IF;
    id := (lpad(to_hex(milliseconds), 12, '0') || '7'
        || right(replace(gen_random_uuid()::text, '-', ''), 19))::uuid;
    id := overlay(id::text PLACING '8' FROM 20 FOR 1)::uuid;
    PERFORM hivegate.make_partitions(ARRAY[hivegate.day_of(id)]);
    body := format('{"id":"%s","kind":"%s","at":"%s","time_source":"database","principal":%s,'
        '"call":%s%s,"detail":%s}',
        id, kind, to_char(now_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        to_json(session_user::text), to_json(call), ',"reason":' || to_json(reason)::text,
        to_json(detail));
    link := sha256(chain.hash
        || (SELECT string_agg(substr(int8send(chain.next_sequence), 9 - i, 1), ''::bytea ORDER BY i)
            FROM generate_series(1, 8) AS i)
        || convert_to(body, 'UTF8'));
    INSERT INTO hivegate.event (day, id, spool, sequence, hash, kind, at, principal, body)
        VALUES (hivegate.day_of(id), id, chain.id, chain.next_sequence, link, kind, now_at,
                session_user, body::json);
    UPDATE hivegate.spool SET next_sequence = chain.next_sequence + 1, hash = link,
        shipped_at = now_at WHERE spool.id = chain.id;
END $$;
REVOKE ALL ON FUNCTION hivegate.note(text, text, text, text) FROM PUBLIC;

-- For readers: they may say that they read, and nothing else.
CREATE FUNCTION hivegate.note_read(call text, detail text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM hivegate.note('audit_read', left(call, 200), left(detail, 10000));
END $$;
REVOKE ALL ON FUNCTION hivegate.note_read(text, text) FROM PUBLIC;

CREATE FUNCTION hivegate.hold_add(first_day date, last_day date, reason text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7523094288207667311); -- no day is dropped meanwhile
    INSERT INTO hivegate.hold (first_day, last_day, reason)
        VALUES (hold_add.first_day, hold_add.last_day, hold_add.reason) RETURNING id INTO made;
    PERFORM hivegate.note('hold', 'hold add', format('hold %s: %s to %s', made, first_day, last_day),
                          reason);
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION hivegate.hold_add(date, date, text) FROM PUBLIC;

-- FALSE when there is no such hold, or it was released before.
CREATE FUNCTION hivegate.hold_release(number bigint, reason text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held record;
BEGIN
    UPDATE hivegate.hold SET released_at = now(), released_by = session_user,
        release_reason = hold_release.reason
        WHERE id = number AND released_at IS NULL
        RETURNING hold.first_day, hold.last_day INTO held;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM hivegate.note('hold', 'hold release',
                          format('hold %s: %s to %s', number, held.first_day, held.last_day), reason);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION hivegate.hold_release(bigint, text) FROM PUBLIC;

-- Drops the partitions of the days before this one, and says how many; never a day that is held,
-- and with archived_only none that the archive doesn't have as it is now. For the owner.
DROP FUNCTION hivegate.drop_before(date);
CREATE FUNCTION hivegate.drop_before(first_kept date, archived_only boolean DEFAULT false)
RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part record;
    counted bigint;
    archived boolean;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7523094288207667311);
    FOR part IN
        SELECT c.relname, to_date(right(c.relname, -6), 'YYYYMMDD') AS day
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'hivegate.event'::regclass
        ORDER BY 1
    LOOP
        CONTINUE WHEN part.day >= first_kept OR hivegate.is_held(part.day);
        -- nothing may arrive between the count and the end
        EXECUTE format('LOCK TABLE hivegate.%I IN ACCESS EXCLUSIVE MODE', part.relname);
        EXECUTE format('SELECT count(*) FROM hivegate.%I', part.relname) INTO counted;
        archived := EXISTS (SELECT FROM hivegate.archive a
                            WHERE a.day = part.day AND a.events = counted);
        CONTINUE WHEN archived_only AND counted > 0 AND NOT archived;
        EXECUTE format(
            'INSERT INTO hivegate.dropped (day, spool, first_sequence, last_sequence, last_hash) '
            'SELECT %L, spool, min(sequence), max(sequence), '
            '       (array_agg(hash ORDER BY sequence DESC))[1] '
            'FROM (SELECT spool, sequence, hash, '
            '             sequence - row_number() OVER (PARTITION BY spool ORDER BY sequence) AS run '
            '      FROM hivegate.%I) AS r GROUP BY spool, run', part.day, part.relname);
        EXECUTE format('DROP TABLE hivegate.%I', part.relname);
        PERFORM hivegate.note('dropped', 'prune', format('day %s, %s events, %s', part.day, counted,
            CASE WHEN archived THEN 'archived' ELSE 'not archived' END));
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION hivegate.drop_before(date, boolean) FROM PUBLIC;

-- The texts of configurations and sets of policies, by their hash, and each time that one took
-- effect: made from the events that say so, and kept when these are dropped.
CREATE TABLE hivegate.config_set (
    hash text PRIMARY KEY,
    text text NOT NULL
);
CREATE TABLE hivegate.config_load (
    event_id uuid PRIMARY KEY,
    spool uuid NOT NULL,
    hash text NOT NULL REFERENCES hivegate.config_set (hash),
    what text,
    loaded_by text,
    loaded_at timestamptz NOT NULL,
    difference text
);
CREATE FUNCTION hivegate.keep_config() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO hivegate.config_set (hash, text)
        VALUES (NEW.body ->> 'content_hash', NEW.body ->> 'content') ON CONFLICT DO NOTHING;
    INSERT INTO hivegate.config_load (event_id, spool, hash, what, loaded_by, loaded_at, difference)
        VALUES (NEW.id, NEW.spool, NEW.body ->> 'content_hash', NEW.body ->> 'call', NEW.principal,
                NEW.at, NEW.body ->> 'detail') ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION hivegate.keep_config() FROM PUBLIC;
CREATE TRIGGER keep_config AFTER INSERT ON hivegate.event FOR EACH ROW
    WHEN (NEW.kind = 'config_loaded' AND NEW.body ->> 'content' IS NOT NULL
          AND NEW.body ->> 'content_hash' IS NOT NULL)
    EXECUTE FUNCTION hivegate.keep_config();

GRANT EXECUTE ON FUNCTION hivegate.note_read(text, text) TO hivegate_reader;
GRANT SELECT ON hivegate.hold, hivegate.archive, hivegate.config_set, hivegate.config_load
    TO hivegate_reader;
