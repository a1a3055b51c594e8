-- Rollouts that wait for a time or a person, and when sites may be changed.
ALTER TABLE rollouts ADD COLUMN again_at REAL;  -- worth going on from then on; NULL: when somebody asks
ALTER TABLE steps ADD COLUMN again_at REAL;  -- of a step that waits
ALTER TABLE sites ADD COLUMN calendar TEXT NOT NULL DEFAULT '{}';  -- windows and freezes; {}: always
-- When a wave began and ended, and who said that the next one may begin.
CREATE TABLE rollout_waves (
    rollout INTEGER NOT NULL REFERENCES rollouts (number) ON DELETE CASCADE,
    wave INTEGER NOT NULL,
    begun_at REAL,
    ended_at REAL,
    approved_by TEXT NOT NULL DEFAULT '',
    approved_at REAL,
    PRIMARY KEY (rollout, wave)
) WITHOUT ROWID;
