-- What hours of devices become when they have been kept long enough.
CREATE TABLE latency_device_days (
    key INTEGER PRIMARY KEY,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    stages BLOB NOT NULL
);

-- The last id that was given to an owner of roll-ups. SQLite gives one again when the row is gone,
-- and the figures of a removed site would be those of the next one.
CREATE TABLE latency_ids (
    owners TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO latency_ids SELECT 'latency_streams', coalesce(max(id), 0) FROM latency_streams;
INSERT INTO latency_ids SELECT 'latency_series', coalesce(max(id), 0) FROM latency_series;
