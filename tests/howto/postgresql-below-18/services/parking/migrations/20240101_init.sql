-- migrate:up
CREATE TABLE lots (id bigint PRIMARY KEY, name text NOT NULL);
-- migrate:down
DROP TABLE lots;
