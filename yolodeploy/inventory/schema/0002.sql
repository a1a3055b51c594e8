-- The public key (PEM) that images of an app must be signed with; empty for no such rule.
ALTER TABLE apps ADD COLUMN signed_by TEXT NOT NULL DEFAULT '';
