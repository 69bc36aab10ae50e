//! Conditions as a campaign's faults: what is wrong, with which ways, in words.
//!
//! ```text
//! loss 20% WAYS                 duplication 20% WAYS
//! delay 1ms..5ms WAYS           reordering 20% 5ms WAYS
//! mtu 1280 WAYS
//!
//! WAYS: on NETWORK | to NODE/NETWORK | from NODE/NETWORK
//!       | A - B on NETWORK | A -> B on NETWORK
//! ```

use std::{fmt, time::Duration};

use hats_core::config::Detection;

use super::{span, words};
use crate::{Conditions, faults::Way, world::World};

/// From this loss on it is a fault that is to be found out.
const LOSS_MAX: u8 = 50;

/// hats fits into this, as what every IPv4 host takes.
const MTU_MIN: u16 = 576;

/// What is wrong with some ways, by degrees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weather {
    /// So many of a hundred datagrams are lost.
    Loss(u8),
    /// Each takes longer, at least and at most so much.
    Delay(Duration, Duration),
    /// So many of a hundred arrive twice.
    Duplication(u8),
    /// So many of a hundred are held back, at most so long.
    Reordering(u8, Duration),
    /// Packets of more bytes vanish.
    Mtu(u16),
}

/// Which ways.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ways {
    /// All of a network.
    Network(String),
    /// Those to one node's adapter on a network.
    To(String, String),
    /// Those from one node's adapter on a network.
    From(String, String),
    /// Between two nodes on a network, one way or both.
    Path(String, String, String, Way),
}

impl Weather {
    /// The kind in one word, for counting.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Weather::Loss(_) => "loss",
            Weather::Delay(..) => "delay",
            Weather::Duplication(_) => "duplication",
            Weather::Reordering(..) => "reordering",
            Weather::Mtu(_) => "mtu",
        }
    }

    /// Nobody may be blamed for it: the protocol has to endure it.
    pub(crate) fn is_endured(self, detection: &Detection) -> bool {
        // There and back within the time that a probe has.
        let short = detection.probe_timeout / 2;
        match self {
            Weather::Loss(percent) => percent < LOSS_MAX,
            Weather::Delay(_, most) | Weather::Reordering(_, most) => most < short,
            Weather::Duplication(_) => true,
            Weather::Mtu(bytes) => bytes >= MTU_MIN,
        }
    }

    fn conditions(self) -> Conditions {
        let part = |percent: u8| f64::from(percent) / 100.0;
        let well = Conditions::default();
        match self {
            Weather::Loss(percent) => Conditions { loss: part(percent), ..well },
            Weather::Delay(least, most) => Conditions { delay: (least, most), ..well },
            Weather::Duplication(percent) => Conditions { duplication: part(percent), ..well },
            Weather::Reordering(percent, held_back) => {
                Conditions { reordering: part(percent), held_back, ..well }
            }
            Weather::Mtu(bytes) => Conditions { mtu: Some(bytes), ..well },
        }
    }

    /// It comes, or goes.
    pub(crate) fn set(self, world: &mut World, ways: &Ways, there: bool) {
        let conditions = if there { self.conditions() } else { Conditions::default() };
        match ways {
            Ways::Network(network) => world.conditions(network, conditions),
            Ways::To(node, network) => world.conditions_to(node, network, conditions),
            Ways::From(node, network) => world.conditions_from(node, network, conditions),
            Ways::Path(a, b, network, _) if !there => world.heal_path(a, b, network),
            Ways::Path(a, b, network, way) => {
                world.path_conditions(a, b, network, *way, conditions);
            }
        }
    }

    /// The weather whose words begin with `verb`, and the words for its ways.
    pub(crate) fn parse<'a>(verb: &str, rest: &'a str) -> Option<Result<(Self, &'a str), String>> {
        let (first, others) = rest.split_once(' ').unwrap_or((rest, ""));
        let weather = match verb {
            "loss" => percent(first).map(|it| (Weather::Loss(it), others)),
            "duplication" => percent(first).map(|it| (Weather::Duplication(it), others)),
            "delay" => delay(first).map(|(least, most)| (Weather::Delay(least, most), others)),
            "reordering" => percent(first).and_then(|part| {
                let (second, others) = others.split_once(' ').unwrap_or((others, ""));
                Ok((Weather::Reordering(part, words::time(second)?), others))
            }),
            "mtu" => bytes(first).map(|it| (Weather::Mtu(it), others)),
            _ => return None,
        };
        Some(weather)
    }
}

impl Ways {
    /// The network they are on.
    pub(crate) fn network(&self) -> &str {
        match self {
            Ways::Network(network)
            | Ways::To(_, network)
            | Ways::From(_, network)
            | Ways::Path(_, _, network, _) => network,
        }
    }

    /// The nodes, networks and adapters that are named.
    pub(crate) fn places(&self) -> Vec<(Option<&str>, Option<&str>)> {
        match self {
            Ways::Network(network) => vec![(None, Some(network))],
            Ways::To(node, network) | Ways::From(node, network) => {
                vec![(Some(node), Some(network))]
            }
            Ways::Path(a, b, network, _) => {
                vec![(Some(a), Some(network)), (Some(b), Some(network))]
            }
        }
    }

    /// Whether the conditions of one would replace those of the other.
    pub(crate) fn are_of(&self, other: &Ways) -> bool {
        match (self, other) {
            (Ways::Path(a, b, network, _), Ways::Path(a2, b2, n2, _)) => {
                network == n2 && ((a == a2 && b == b2) || (a == b2 && b == a2))
            }
            (_, _) => self == other,
        }
    }

    /// The ways that `text` says.
    pub(crate) fn parse(text: &str) -> Result<Ways, String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "on" => Ok(Ways::Network(words::one(rest, "a network")?)),
            "to" => words::adapter(rest).map(|(node, network)| Ways::To(node, network)),
            "from" => words::adapter(rest).map(|(node, network)| Ways::From(node, network)),
            _ => {
                let (a, sign, b, network) = words::path(text).map_err(|_| {
                    "expected its ways: on NETWORK, to or from NODE/NETWORK, A - B on NETWORK or \
                     A -> B on NETWORK"
                        .to_owned()
                })?;
                let way = if sign == "->" { Way::There } else { Way::Both };
                Ok(Ways::Path(a, b, network, way))
            }
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Weather::Loss(percent) | Weather::Duplication(percent) => {
                write!(f, "{kind} {percent}%")
            }
            Weather::Delay(least, most) => {
                write!(f, "{kind} {}..{}", span::words(*least), span::words(*most))
            }
            Weather::Reordering(percent, most) => {
                write!(f, "{kind} {percent}% {}", span::words(*most))
            }
            Weather::Mtu(bytes) => write!(f, "{kind} {bytes}"),
        }
    }
}

impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ways::Network(network) => write!(f, "on {network}"),
            Ways::To(node, network) => write!(f, "to {node}/{network}"),
            Ways::From(node, network) => write!(f, "from {node}/{network}"),
            Ways::Path(a, b, network, Way::Both) => write!(f, "{a} - {b} on {network}"),
            Ways::Path(a, b, network, Way::There) => write!(f, "{a} -> {b} on {network}"),
        }
    }
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').and_then(|digits| digits.parse().ok());
    number
        .filter(|percent| (1..=100).contains(percent))
        .ok_or_else(|| format!("{text:?} stands there: expected 1% to 100%"))
}

fn delay(text: &str) -> Result<(Duration, Duration), String> {
    let (least, most) = text
        .split_once("..")
        .ok_or_else(|| format!("{text:?} stands there: expected two durations, as 1ms..5ms"))?;
    let (least, most) = (words::time(least)?, words::time(most)?);
    if least > most || most.is_zero() {
        return Err(format!("{text:?} stands there: expected the shorter one first, as 1ms..5ms"));
    }
    Ok((least, most))
}

fn bytes(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|bytes| *bytes >= 68);
    number.ok_or_else(|| format!("{text:?} stands there: expected 68 to 65535 bytes"))
}
