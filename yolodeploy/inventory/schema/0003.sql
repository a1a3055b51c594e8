-- Gateways, and the clusters that they make. Empty and NULL in embedded sites.
ALTER TABLE devices ADD COLUMN role TEXT NOT NULL DEFAULT '';  -- server, agent
ALTER TABLE devices ADD COLUMN profile TEXT NOT NULL DEFAULT '';  -- cpu, nvidia, jetson; empty: not looked at yet
ALTER TABLE devices ADD COLUMN sharing TEXT NOT NULL DEFAULT '';  -- of its GPUs; empty: exclusive
ALTER TABLE devices ADD COLUMN jump TEXT NOT NULL DEFAULT '';  -- the hosts in between, as ssh -J takes them
ALTER TABLE devices ADD COLUMN identity TEXT NOT NULL DEFAULT '';  -- the file of a key, never the key
ALTER TABLE devices ADD COLUMN host_key TEXT NOT NULL DEFAULT '';  -- pinned: type and base64, a space between
ALTER TABLE devices ADD COLUMN proved_at REAL;  -- when a pod last ran to completion there
ALTER TABLE sites ADD COLUMN k3s_version TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN backed_up_at REAL;
