-- What a rollout and its steps say, as JSON: {code, fields}, rendered when somebody reads it.
ALTER TABLE steps ADD COLUMN said TEXT NOT NULL DEFAULT 'null';  -- null: only the words are known
ALTER TABLE rollouts ADD COLUMN said TEXT NOT NULL DEFAULT 'null';
