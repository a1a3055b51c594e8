-- What a proof was of, and how a site's gateways reach the internet.
ALTER TABLE devices ADD COLUMN proof TEXT NOT NULL DEFAULT '';  -- digest of what was proved; empty: not known
ALTER TABLE sites ADD COLUMN proxy TEXT NOT NULL DEFAULT '{}';  -- {http, https, no_proxy}; no credentials
