//! Faults in words: a verb, then what it befalls. The same words are written
//! to scenario files, read from them, and printed.
//!
//! ```text
//! cut|deaf|mute|carrier|address|nim-kill NODE/NETWORK
//! crash|daemon-kill|leave NODE
//! daemon-restart|pause NODE                  and how long, said apart
//! path A - B on NETWORK                      cut both ways
//! path A -> B on NETWORK                     nothing gets from A to B
//! partition NETWORK: A B | C D               two sides or more
//! network-dead|multicast-dead|switch-off NETWORK
//! cross NETWORK - NETWORK                    one wire for both
//! nim-hang|address-change NODE/NETWORK
//! flap 3 times 40ms down 60ms up NODE/NETWORK
//! nim-starve 20ms NODE/NETWORK               it runs up to so much late
//! daemon-hang NODE
//! starve|daemon-starve 20ms NODE
//! pause-queueing|sleep NODE                  and how long, said apart
//! clock-rate 200ppm NODE
//! wall-clock -3600s NODE                     it steps by so much
//! loss|delay|duplication|reordering|mtu ...  see `weather`
//! ```

use std::time::Duration;

use super::{
    fault::{AdapterFault, Fault, NodeFault},
    span,
    weather::{Ways, Weather},
};
use crate::faults::Way;

const ADAPTER_FAULTS: [(&str, AdapterFault); 8] = [
    ("cut", AdapterFault::Cut),
    ("deaf", AdapterFault::Deaf),
    ("mute", AdapterFault::Mute),
    ("carrier", AdapterFault::Carrier),
    ("address", AdapterFault::Address),
    ("nim-kill", AdapterFault::NimKill),
    ("nim-hang", AdapterFault::NimHang),
    ("address-change", AdapterFault::AddressChange),
];

const VERBS: &str = "cut, deaf, mute, carrier, address, address-change, flap, nim-kill, nim-hang, \
                     nim-starve, crash, daemon-kill, daemon-restart, daemon-hang, daemon-starve, \
                     starve, pause, pause-queueing, sleep, leave, clock-rate, wall-clock, path, \
                     partition, network-dead, multicast-dead, cross, switch-off, loss, \
                     delay, duplication, reordering or mtu";

impl Fault {
    /// What is done, in words that [`parse`](Self::parse) reads. How long a
    /// pause or a restart takes is [said apart](Self::own_end).
    pub fn words(&self) -> String {
        let kind = self.kind();
        match self {
            Fault::Adapter(AdapterFault::NimStarve(late), node, network) => {
                format!("{kind} {} {node}/{network}", span::words(*late))
            }
            Fault::Adapter(AdapterFault::Flap(times, down, up), node, network) => {
                let (down, up) = (span::words(*down), span::words(*up));
                format!("{kind} {times} times {down} down {up} up {node}/{network}")
            }
            Fault::Adapter(_, node, network) => format!("{kind} {node}/{network}"),
            Fault::Node(NodeFault::DaemonStarve(late) | NodeFault::Starve(late), node) => {
                format!("{kind} {} {node}", span::words(*late))
            }
            Fault::Node(NodeFault::ClockRate(ppm), node) => format!("{kind} {ppm}ppm {node}"),
            Fault::Node(NodeFault::WallClock(ms), node) => {
                let sign = if *ms < 0 { "-" } else { "" };
                let step = span::words(Duration::from_millis(ms.unsigned_abs()));
                format!("{kind} {sign}{step} {node}")
            }
            Fault::Node(_, node) => format!("{kind} {node}"),
            Fault::Path { a, b, network, way: Way::Both } => format!("path {a} - {b} on {network}"),
            Fault::Path { a, b, network, way: Way::There } => {
                format!("path {a} -> {b} on {network}")
            }
            Fault::Partition { network, sides } => {
                let sides: Vec<String> = sides.iter().map(|side| side.join(" ")).collect();
                format!("partition {network}: {}", sides.join(" | "))
            }
            Fault::NetworkDead(network)
            | Fault::MulticastDead(network)
            | Fault::SwitchOff(network) => format!("{kind} {network}"),
            Fault::Cross(one, other) => format!("{kind} {one} - {other}"),
            Fault::Weather(weather, ways) => format!("{weather} {ways}"),
        }
    }

    /// The nodes, networks and adapters that are named.
    pub(crate) fn places(&self) -> Vec<(Option<&str>, Option<&str>)> {
        match self {
            Fault::Adapter(_, node, network) => vec![(Some(node), Some(network))],
            Fault::Node(_, node) => vec![(Some(node), None)],
            Fault::Path { a, b, network, .. } => {
                vec![(Some(a), Some(network)), (Some(b), Some(network))]
            }
            Fault::Partition { network, sides } => {
                let nodes = sides.iter().flatten();
                nodes.map(|node| (Some(node.as_str()), Some(network.as_str()))).collect()
            }
            Fault::NetworkDead(network)
            | Fault::MulticastDead(network)
            | Fault::SwitchOff(network) => vec![(None, Some(network))],
            Fault::Cross(one, other) => vec![(None, Some(one)), (None, Some(other))],
            Fault::Weather(_, ways) => ways.places(),
        }
    }

    /// The fault that `words` say, which lasts for `lasts`; an error says what
    /// was expected instead.
    pub fn parse(words: &str, lasts: Option<Duration>) -> Result<Fault, String> {
        let (verb, rest) = words.trim().split_once(' ').unwrap_or((words.trim(), ""));
        if let Some((_, what)) = ADAPTER_FAULTS.iter().find(|(word, _)| *word == verb) {
            let (node, network) = adapter(rest)?;
            return Ok(Fault::Adapter(*what, node, network));
        }
        if let Some(weather) = Weather::parse(verb, rest) {
            let (weather, ways) = weather?;
            return Ok(Fault::Weather(weather, Ways::parse(ways)?));
        }
        let span = || lasts.ok_or("expected `for`, how long it takes".to_owned());
        match verb {
            "crash" => Ok(Fault::Node(NodeFault::Crash, one(rest, "a node")?)),
            "daemon-kill" => Ok(Fault::Node(NodeFault::DaemonKill, one(rest, "a node")?)),
            "leave" => Ok(Fault::Node(NodeFault::Leave, one(rest, "a node")?)),
            "daemon-restart" => {
                Ok(Fault::Node(NodeFault::DaemonRestart(span()?), one(rest, "a node")?))
            }
            "pause" => Ok(Fault::Node(NodeFault::Pause(span()?), one(rest, "a node")?)),
            "pause-queueing" => {
                Ok(Fault::Node(NodeFault::PauseQueueing(span()?), one(rest, "a node")?))
            }
            "sleep" => Ok(Fault::Node(NodeFault::Sleep(span()?), one(rest, "a node")?)),
            "daemon-hang" => Ok(Fault::Node(NodeFault::DaemonHang, one(rest, "a node")?)),
            "daemon-starve" | "starve" | "clock-rate" | "wall-clock" => degree(verb, rest),
            "nim-starve" => {
                let (late, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let (node, network) = adapter(rest)?;
                Ok(Fault::Adapter(AdapterFault::NimStarve(time(late)?), node, network))
            }
            "flap" => flap(rest),
            "path" => {
                let (a, sign, b, network) = path(rest)?;
                let way = if sign == "->" { Way::There } else { Way::Both };
                Ok(Fault::Path { a, b, network, way })
            }
            "partition" => partition(rest),
            "network-dead" => Ok(Fault::NetworkDead(one(rest, "a network")?)),
            "multicast-dead" => Ok(Fault::MulticastDead(one(rest, "a network")?)),
            "cross" => match rest.split_whitespace().collect::<Vec<&str>>().as_slice() {
                [one, "-", other] if one != other => {
                    Ok(Fault::Cross((*one).to_owned(), (*other).to_owned()))
                }
                _ => Err("expected two networks as NETWORK - NETWORK".to_owned()),
            },
            "switch-off" => Ok(Fault::SwitchOff(one(rest, "a network")?)),
            _ => Err(format!("expected one of {VERBS}")),
        }
    }
}

/// A duration.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    span::parse(text).ok_or_else(|| format!("{text:?} stands there: {}", span::EXPECTED))
}

/// What befalls a node by degrees: the degree, then the node.
fn degree(verb: &str, words: &str) -> Result<Fault, String> {
    let (degree, rest) = words.split_once(' ').unwrap_or((words, ""));
    let what = match verb {
        "daemon-starve" => NodeFault::DaemonStarve(time(degree)?),
        "starve" => NodeFault::Starve(time(degree)?),
        "clock-rate" => {
            let ppm = degree.strip_suffix("ppm").and_then(|digits| digits.parse().ok());
            let ppm = ppm.filter(|ppm: &i32| ppm.unsigned_abs() <= 500_000);
            NodeFault::ClockRate(ppm.ok_or("expected -500000ppm to 500000ppm")?)
        }
        _ => {
            let (sign, step) = degree.strip_prefix('-').map_or((1, degree), |step| (-1, step));
            let ms = i64::try_from(time(step)?.as_millis()).map_err(|_| "expected less time")?;
            NodeFault::WallClock(sign * ms)
        }
    };
    Ok(Fault::Node(what, one(rest, "a node")?))
}

fn flap(words: &str) -> Result<Fault, String> {
    let parts: Vec<&str> = words.split_whitespace().collect();
    let [times, "times", down, "down", up, "up", place] = parts.as_slice() else {
        return Err("expected 3 times 40ms down 60ms up NODE/NETWORK".to_owned());
    };
    let times = times.parse().ok().filter(|times| (1..=100).contains(times));
    let times = times.ok_or("expected 1 to 100 times")?;
    let (node, network) = adapter(place)?;
    Ok(Fault::Adapter(AdapterFault::Flap(times, time(down)?, time(up)?), node, network))
}

/// `n3/neta`.
pub(crate) fn adapter(words: &str) -> Result<(String, String), String> {
    match one(words, "an adapter")?.split_once('/') {
        Some((node, network)) if !node.is_empty() && !network.is_empty() => {
            Ok((node.to_owned(), network.to_owned()))
        }
        _ => Err("expected an adapter as NODE/NETWORK".to_owned()),
    }
}

/// `n3 - n4 on neta`, with the sign between the two.
pub(crate) fn path(words: &str) -> Result<(String, &str, String, String), String> {
    let parts: Vec<&str> = words.split_whitespace().collect();
    match parts.as_slice() {
        [a, sign @ ("-" | "->"), b, "on", network] if a != b => {
            Ok(((*a).to_owned(), sign, (*b).to_owned(), (*network).to_owned()))
        }
        _ => Err("expected two nodes as A - B on NETWORK, or A -> B on NETWORK".to_owned()),
    }
}

/// A single word.
pub(crate) fn one(words: &str, what: &str) -> Result<String, String> {
    let mut parts = words.split_whitespace();
    match (parts.next(), parts.next()) {
        (Some(word), None) => Ok(word.to_owned()),
        (None, _) => Err(format!("expected {what} at its end")),
        (Some(_), Some(_)) => Err(format!("expected {what} and nothing else")),
    }
}

fn partition(words: &str) -> Result<Fault, String> {
    let expected = "expected two sides or more as NETWORK: A B | C D";
    let (network, sides) = words.split_once(':').ok_or(expected)?;
    let side = |side: &str| side.split_whitespace().map(str::to_owned).collect();
    let sides: Vec<Vec<String>> = sides.split('|').map(side).collect();
    if sides.len() < 2 || sides.iter().any(Vec::is_empty) {
        return Err(expected.to_owned());
    }
    Ok(Fault::Partition { network: network.trim().to_owned(), sides })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_every_verb() {
        let manual = include_str!("../../../../docs/hats-sim.md");
        for verb in VERBS.split([' ', ',']).filter(|word| !word.is_empty() && *word != "or") {
            assert!(manual.contains(&format!("`{verb} ")), "{verb} is not in the manual");
        }
    }
}
