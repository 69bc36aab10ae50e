//! The classes of faults: the rows of the matrix.

use serde::{Serialize, Serializer};

/// What is done, by the row of the catalogue that `hats-lab matrix` has, too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// The carrier is lost.
    Carrier,
    /// An adapter neither sends nor receives.
    Cut,
    /// It receives nothing.
    Deaf,
    /// It sends nothing.
    Mute,
    /// A path is cut.
    Path,
    /// A path is cut one way.
    PathOneWay,
    /// A network falls in two.
    Partition,
    /// Nothing gets anywhere on a network.
    NetworkDead,
    /// A host is off.
    Crash,
    /// A daemon is killed.
    DaemonKill,
    /// A daemon is stopped.
    DaemonHang,
    /// A daemon is killed and started again.
    DaemonRestart,
    /// A NIM is killed.
    NimKill,
    /// A NIM is stopped.
    NimHang,
    /// An address is lost.
    Address,
    /// An interface gets another address.
    AddressChange,
    /// An adapter loses a part of what it sends or receives.
    LossAdapter,
    /// A path does.
    LossPath,
    /// An adapter's datagrams take longer.
    Delay,
    /// They arrive twice.
    Duplication,
    /// They overtake each other.
    Reordering,
    /// A host stands still for less than a detection time.
    PauseShort,
    /// A host stands still for longer.
    PauseLong,
    /// Daemon and NIMs get the CPU late.
    Starve,
    /// A clock gains or loses.
    ClockRate,
    /// The wall clock steps.
    WallClock,
    /// Multicast gets nowhere.
    Multicast,
    /// Long packets get lost.
    Mtu,
    /// The carrier comes and goes.
    Flap,
}

/// How much of a fault there is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Rows 1 to 10: it must be said what it is, each time.
    Total,
    /// The others: something works on, or nobody may be blamed.
    Partial,
}

impl Sort {
    /// This part of the faults must get its verdict where a third voice is.
    pub fn target(self) -> f64 {
        match self {
            Sort::Total => 1.0,
            Sort::Partial => 0.98,
        }
    }
}

/// Each class with its row, its name, and how often it is drawn.
const TABLE: [(Class, &str, &str, u64); 29] = [
    (Class::Carrier, "1", "carrier", 70),
    (Class::Cut, "2", "cut", 110),
    (Class::Deaf, "3", "deaf", 110),
    (Class::Mute, "4", "mute", 110),
    (Class::Path, "5a", "path", 50),
    (Class::PathOneWay, "5b", "path-one-way", 50),
    (Class::Partition, "6", "partition", 50),
    (Class::NetworkDead, "7", "network-dead", 50),
    (Class::Crash, "8", "crash", 90),
    (Class::DaemonKill, "9a", "daemon-kill", 50),
    (Class::DaemonHang, "9b", "daemon-hang", 30),
    (Class::DaemonRestart, "9c", "daemon-restart", 20),
    (Class::NimKill, "10a", "nim-kill", 20),
    (Class::NimHang, "10b", "nim-hang", 30),
    (Class::Address, "11a", "address", 30),
    (Class::AddressChange, "11b", "address-change", 20),
    (Class::LossAdapter, "13a", "loss-adapter", 25),
    (Class::LossPath, "13b", "loss-path", 15),
    (Class::Delay, "14a", "delay", 10),
    (Class::Duplication, "14b", "duplication", 5),
    (Class::Reordering, "14c", "reordering", 5),
    (Class::PauseShort, "15a", "pause-short", 20),
    (Class::PauseLong, "15b", "pause-long", 30),
    (Class::Starve, "16", "starve", 15),
    (Class::ClockRate, "17a", "clock-rate", 5),
    (Class::WallClock, "17b", "wall-clock", 5),
    (Class::Multicast, "18", "multicast-dead", 6),
    (Class::Mtu, "19", "mtu", 3),
    (Class::Flap, "flap", "flap", 4),
];

impl Class {
    /// Every class, in the order of rows.
    pub fn all() -> impl Iterator<Item = Class> {
        TABLE.iter().map(|(class, ..)| *class)
    }

    fn entry(self) -> &'static (Class, &'static str, &'static str, u64) {
        &TABLE[self as usize]
    }

    /// Its row in the catalogue of faults.
    pub fn row(self) -> &'static str {
        self.entry().1
    }

    /// Its name: `daemon-hang`.
    pub fn name(self) -> &'static str {
        self.entry().2
    }

    /// The class of that name.
    pub fn parse(name: &str) -> Result<Class, String> {
        Class::all().find(|class| class.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Class::all().map(Class::name).collect();
            format!("expected one of {}", names.join(", "))
        })
    }

    /// Of so many faults in all, how many are of this class.
    pub(super) fn weight(self) -> u64 {
        self.entry().3
    }

    /// Whether it is one of rows 1 to 10, or as much a fact as those.
    pub fn sort(self) -> Sort {
        if self <= Class::AddressChange { Sort::Total } else { Sort::Partial }
    }

    /// Whoever it befalls answers late, then or when it is over.
    pub(super) fn makes_late(self) -> bool {
        matches!(
            self,
            Class::DaemonHang
                | Class::NimHang
                | Class::Delay
                | Class::Reordering
                | Class::PauseShort
                | Class::PauseLong
                | Class::Starve
        )
    }

    /// What only a patrol finds where no heartbeats go.
    pub(super) fn is_of_paths(self) -> bool {
        matches!(self, Class::Path | Class::PathOneWay | Class::Partition)
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_stands_in_the_table_at_its_place() {
        for (at, (class, ..)) in TABLE.iter().enumerate() {
            assert_eq!(*class as usize, at);
            assert_eq!(Class::parse(class.name()), Ok(*class));
        }
    }
}
