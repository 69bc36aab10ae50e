//! What a node is told at its start, validated.

use alloc::{string::String, vec::Vec};
use core::{fmt, net::IpAddr, time::Duration};

pub use hats_wire::link::Mode;
use hats_wire::{Incarnation, NodeId};

/// Who this node is and how it watches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The cluster's name; another name on the same wire is a foreign cluster.
    pub cluster: String,
    /// This node's name.
    pub node: String,
    /// This node's stable identity.
    pub node_id: NodeId,
    /// This run of the daemon; must be higher than that of any earlier run.
    pub incarnation: Incarnation,
    /// The daemon's version, for others to see.
    pub version: String,
    /// How fast failures are noticed.
    pub detection: Detection,
    /// 0: NIMs run with normal scheduling; 1 to 99: SCHED_FIFO at that priority.
    pub realtime_priority: u8,
    /// NIMs keep all their memory resident.
    pub lock_memory: bool,
}

/// How fast failures are noticed. Cluster-wide: nodes that disagree notice
/// each other's silence at different times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Detection {
    /// Time between heartbeats, 1 ms to 60 s.
    ///
    /// Too low: a busy host misses beats, and the CPU is spent on them. Too
    /// high: failures are noticed late.
    pub heartbeat_interval: Duration,
    /// Heartbeats that may be missed in a row, 2 to 100; with the interval it
    /// makes the detection time.
    ///
    /// Too low: one lost datagram is taken for a failure. Too high: failures
    /// are noticed late.
    pub sensitivity: u32,
    /// How long a probe may take, 1 ms to 10 s.
    ///
    /// Too low: a slow answer is taken for none. Too high: verdicts are late
    /// by up to twice this.
    pub probe_timeout: Duration,
}

/// A named set of [`Detection`] values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// 250 ms x 4.
    Default,
    /// 50 ms x 3.
    Fast,
    /// 10 ms x 3.
    Bfd,
    /// 1 s x 8.
    Wan,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Profile; 4] = [Profile::Default, Profile::Fast, Profile::Bfd, Profile::Wan];

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Profile::Default => "default",
            Profile::Fast => "fast",
            Profile::Bfd => "bfd",
            Profile::Wan => "wan",
        }
    }

    /// The profile of that name.
    pub fn named(word: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.word() == word)
    }

    /// Its values.
    pub fn detection(self) -> Detection {
        let (millis, sensitivity) = match self {
            Profile::Default => (250, 4),
            Profile::Fast => (50, 3),
            Profile::Bfd => (10, 3),
            Profile::Wan => (1_000, 8),
        };
        Detection::new(Duration::from_millis(millis), sensitivity)
    }
}

impl Detection {
    /// With the probe timeout that follows: a quarter of the detection time,
    /// within 5 to 100 ms.
    pub fn new(heartbeat_interval: Duration, sensitivity: u32) -> Self {
        let quarter = heartbeat_interval.saturating_mul(sensitivity) / 4;
        let probe_timeout = quarter.clamp(Duration::from_millis(5), Duration::from_millis(100));
        Detection { heartbeat_interval, sensitivity, probe_timeout }
    }

    /// How long a neighbour may be silent.
    pub fn detection_time(&self) -> Duration {
        self.heartbeat_interval.saturating_mul(self.sensitivity)
    }

    /// How long a NIM goes on without its daemon, and a daemon waits for its NIM.
    pub(crate) fn lease(&self) -> Duration {
        self.detection_time().saturating_mul(2).max(Duration::from_secs(2))
    }

    /// The bound on the time from the last heartbeat heard to the verdict.
    pub fn verdict_bound(&self) -> Duration {
        self.detection_time().saturating_add(self.probe_timeout.saturating_mul(2))
    }

    /// After this much silence probing begins.
    pub fn late_after(&self) -> Duration {
        self.heartbeat_interval.saturating_mul(3) / 2
    }

    /// Checks the ranges and how the values fit together.
    pub fn validate(&self) -> Result<(), DetectionError> {
        let ms = Duration::from_millis;
        if !(ms(1)..=ms(60_000)).contains(&self.heartbeat_interval) {
            return Err(DetectionError::HeartbeatInterval(self.heartbeat_interval));
        }
        if !(2..=100).contains(&self.sensitivity) {
            return Err(DetectionError::Sensitivity(self.sensitivity));
        }
        if !(ms(1)..=ms(10_000)).contains(&self.probe_timeout) {
            return Err(DetectionError::ProbeTimeout(self.probe_timeout));
        }
        if self.probe_timeout > self.detection_time() {
            return Err(DetectionError::ProbeLongerThanDetection {
                probe_timeout: self.probe_timeout,
                detection_time: self.detection_time(),
            });
        }
        Ok(())
    }
}

/// Detection values that cannot work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DetectionError {
    /// Out of range.
    HeartbeatInterval(Duration),
    /// Out of range.
    Sensitivity(u32),
    /// Out of range.
    ProbeTimeout(Duration),
    /// A probe would outlast the silence it is to explain.
    ProbeLongerThanDetection {
        /// The probe timeout given.
        probe_timeout: Duration,
        /// The detection time that follows from the other values.
        detection_time: Duration,
    },
}

impl fmt::Display for DetectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DetectionError::HeartbeatInterval(was) => {
                write!(f, "heartbeat_interval is {was:?}: expected 1ms to 60s")
            }
            DetectionError::Sensitivity(was) => {
                write!(f, "sensitivity is {was}: expected 2 to 100")
            }
            DetectionError::ProbeTimeout(was) => {
                write!(f, "probe_timeout is {was:?}: expected 1ms to 10s")
            }
            DetectionError::ProbeLongerThanDetection { probe_timeout, detection_time } => write!(
                f,
                "probe_timeout is {probe_timeout:?}: expected at most the detection time, \
                 {detection_time:?} (heartbeat_interval x sensitivity)"
            ),
        }
    }
}

impl core::error::Error for DetectionError {}

/// One network as configured or found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkSpec {
    /// Its name; the same on all nodes.
    pub name: String,
    /// Its subnet, as text.
    pub subnet: String,
    /// How messages to the whole network travel.
    pub mode: Mode,
    /// The multicast group or broadcast address; none in unicast mode.
    pub group: Option<IpAddr>,
    /// The UDP port.
    pub port: u16,
    /// Addresses to proclaim to by unicast, whatever the mode.
    pub peers: Vec<IpAddr>,
    /// Hosts that run no hats and answer ICMP echo: the third voice when no
    /// other member is left.
    pub reference_targets: Vec<IpAddr>,
}

/// One local adapter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdapterSpec {
    /// The network it is on.
    pub network: NetworkSpec,
    /// The interface's name.
    pub interface: String,
    /// Its address.
    pub address: IpAddr,
    /// The prefix length of its subnet.
    pub prefix_length: u8,
    /// It is up only if one of these answers ICMP echo; empty: nothing is required.
    pub required_targets: Vec<IpAddr>,
}
