//! The protocol on the simulated network, one file per subject.

mod cases;

mod crashes;
mod facts;
mod formation;
mod partitions;
mod paths;
mod restarts;
mod silence;
mod world;
