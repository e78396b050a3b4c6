//! Several servers on one PostgreSQL: what one of them writes is told by all, once and in order, whatever becomes of connections.

mod listener;
mod events;
mod deletions;
mod processes;
mod failover;
