//! One neighbour's heartbeats.
