-- Times are Unix seconds. Names of sites and devices in histories are text on purpose: what
-- happened stays readable after the site is gone.

CREATE TABLE sites (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    location TEXT NOT NULL,
    labels TEXT NOT NULL DEFAULT '{}',
    added_at REAL NOT NULL,
    held TEXT,
    held_at REAL,
    reachable INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    observed_at REAL,
    tried_at REAL,
    site_clock REAL,
    lease_holder TEXT,
    lease_until REAL
);

CREATE TABLE site_apps (
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    app TEXT NOT NULL,
    phase TEXT NOT NULL,
    release TEXT NOT NULL,
    previous TEXT NOT NULL,
    settled INTEGER NOT NULL,
    reason TEXT NOT NULL,
    outage_s REAL NOT NULL,
    PRIMARY KEY (site_id, app)
) WITHOUT ROWID;

CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    address TEXT NOT NULL DEFAULT '',
    labels TEXT NOT NULL DEFAULT '{}',
    added_at REAL NOT NULL,
    held TEXT,
    held_at REAL,
    ready INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    cpu_percent REAL NOT NULL DEFAULT 0,
    memory_mb REAL NOT NULL DEFAULT 0,
    UNIQUE (site_id, name)
);

CREATE TABLE device_apps (
    device_id INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    app TEXT NOT NULL,
    release TEXT NOT NULL,
    phase TEXT NOT NULL,
    instances INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    restarts INTEGER NOT NULL,
    PRIMARY KEY (device_id, app)
) WITHOUT ROWID;

CREATE TABLE models (
    digest TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    facts TEXT NOT NULL,
    path TEXT NOT NULL,
    added_at REAL NOT NULL
);

CREATE TABLE images (
    digest TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    model TEXT NOT NULL,
    layers TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    built_at REAL NOT NULL
);

CREATE TABLE apps (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL DEFAULT '',
    frames TEXT NOT NULL DEFAULT '',
    added_at REAL NOT NULL
);

CREATE TABLE releases (
    digest TEXT PRIMARY KEY,
    app TEXT NOT NULL REFERENCES apps (name),
    number INTEGER NOT NULL,
    spec TEXT NOT NULL,
    created_at REAL NOT NULL,
    UNIQUE (app, number)
);

CREATE TABLE rollouts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    app TEXT NOT NULL,
    release TEXT NOT NULL,
    plan TEXT NOT NULL,
    operation TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    ended_at REAL,
    pause_requested INTEGER NOT NULL DEFAULT 0,
    abort_requested INTEGER NOT NULL DEFAULT 0,
    approved_by TEXT NOT NULL DEFAULT '',
    holder TEXT,
    heartbeat_at REAL
);

CREATE TABLE rollout_sites (
    rollout INTEGER NOT NULL REFERENCES rollouts (number) ON DELETE CASCADE,
    site TEXT NOT NULL,
    position INTEGER NOT NULL,
    result TEXT,
    gates TEXT NOT NULL DEFAULT '[]',
    figures BLOB,
    PRIMARY KEY (rollout, site)
) WITHOUT ROWID;

CREATE TABLE steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout INTEGER NOT NULL,
    site TEXT NOT NULL,
    step TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    at REAL NOT NULL,
    FOREIGN KEY (rollout, site) REFERENCES rollout_sites (rollout, site) ON DELETE CASCADE
);

CREATE INDEX steps_of_site ON steps (rollout, site, id);

CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    heartbeat_at REAL,
    pid INTEGER,
    boot_id TEXT NOT NULL DEFAULT '',
    exit_code INTEGER,
    cancel_requested_at REAL
);

CREATE TABLE operation_events (
    operation TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at REAL NOT NULL,
    level TEXT NOT NULL,
    code TEXT NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (operation, sequence)
) WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site_id INTEGER REFERENCES sites (id) ON DELETE SET NULL,
    sequence INTEGER,
    site TEXT NOT NULL,
    device TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    at REAL NOT NULL,
    UNIQUE (site_id, sequence)
);

CREATE INDEX events_by_time ON events (at);

-- Latency. A stream is what one device reports of one release; a series is one life (epoch) of
-- one of its instances. Roll-ups of all kinds have the same columns; their key is
-- slot << 32 | owner, where the slot is the number of the minute or hour since 1970 and the owner
-- a series, a stream or a fleet: what is written together lies together, and old slots go first.

CREATE TABLE latency_fleets (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    release TEXT NOT NULL,
    source TEXT NOT NULL,
    UNIQUE (app, release, source)
);

CREATE TABLE latency_streams (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    device TEXT NOT NULL,
    fleet_id INTEGER NOT NULL REFERENCES latency_fleets (id),
    UNIQUE (site_id, device, fleet_id)
);

CREATE TABLE latency_series (
    id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES latency_streams (id) ON DELETE CASCADE,
    instance TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    read_at REAL NOT NULL,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    stages BLOB NOT NULL,
    UNIQUE (stream_id, instance, epoch)
);

CREATE TABLE latency_minutes (
    key INTEGER PRIMARY KEY,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    stages BLOB NOT NULL
);

CREATE TABLE latency_device_hours (
    key INTEGER PRIMARY KEY,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    stages BLOB NOT NULL
);

CREATE TABLE latency_fleet_minutes (
    key INTEGER PRIMARY KEY,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    stages BLOB NOT NULL
);

CREATE TABLE latency_fleet_hours (
    key INTEGER PRIMARY KEY,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    stages BLOB NOT NULL
);

-- Slots before `since` have been pruned from a roll-up; from there on it is complete.
CREATE TABLE latency_kept (
    rollup TEXT PRIMARY KEY,
    since INTEGER NOT NULL
) WITHOUT ROWID;
