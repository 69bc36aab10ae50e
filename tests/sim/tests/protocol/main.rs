//! The protocol on the simulated network, one file per subject.

mod cases;

mod crashes;
mod facts;
mod formation;
mod hosts;
mod links;
mod partitions;
mod paths;
mod processes;
mod restarts;
mod silence;
mod ways;
mod world;
