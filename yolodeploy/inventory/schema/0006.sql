-- Notices: what needs a person. A state that begins is one row, and is told once to each place;
-- `ended_at` stays NULL where nothing ends it.
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    about TEXT NOT NULL,
    fields TEXT NOT NULL,
    begun_at REAL NOT NULL,
    ended_at REAL
) WITHOUT ROWID;

CREATE UNIQUE INDEX notices_that_last ON notices (code, about) WHERE ended_at IS NULL;

-- What is still to be delivered.
CREATE TABLE notice_outbox (
    notice TEXT NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    place TEXT NOT NULL,  -- webhook, command
    over INTEGER NOT NULL,  -- tells the state's end
    at REAL NOT NULL,
    PRIMARY KEY (notice, place, over)
) WITHOUT ROWID;

-- How the places are: failures in a row, when to try again, when there was delivered last.
CREATE TABLE notice_places (
    place TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    again_at REAL NOT NULL,
    reason TEXT NOT NULL,
    sent TEXT NOT NULL
) WITHOUT ROWID;

-- The controller of this home, one row: who it is, and how it was when it said so last.
CREATE TABLE controller (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    started_at REAL NOT NULL,
    alive_at REAL NOT NULL,
    ended_at REAL,
    round_at REAL,  -- when the last round over the sites ended
    round_s REAL NOT NULL DEFAULT 0,
    trouble TEXT NOT NULL DEFAULT ''
);

-- How far the past has been looked through for notices: the last event, and ends of rollouts.
CREATE TABLE notices_seen (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    event INTEGER NOT NULL,
    since REAL NOT NULL
);
