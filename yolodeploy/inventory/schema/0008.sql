-- What a cluster says of a node and of itself beyond being ready, as JSON; empty: it says nothing.
ALTER TABLE devices ADD COLUMN node TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN cluster TEXT NOT NULL DEFAULT '';
