-- All observations of one post, in order; and what was seen to be removed.
CREATE INDEX posts_id ON posts(id);
CREATE INDEX events_type ON events(type);
