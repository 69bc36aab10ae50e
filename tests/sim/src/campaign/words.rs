//! Faults in words: a verb, then what it befalls. The same words are written
//! to scenario files, read from them, and printed.
//!
//! ```text
//! cut|deaf|mute|carrier|address|nim-kill NODE/NETWORK
//! crash|daemon-kill|leave NODE
//! daemon-restart|pause NODE                  and how long, said apart
//! path A - B on NETWORK                      cut both ways
//! path A -> B on NETWORK                     nothing gets from A to B
//! partition NETWORK: A B | C D
//! network-dead NETWORK
//! ```

use std::time::Duration;

use super::fault::{AdapterFault, Fault, NodeFault};
use crate::faults::Way;

const ADAPTER_FAULTS: [(&str, AdapterFault); 6] = [
    ("cut", AdapterFault::Cut),
    ("deaf", AdapterFault::Deaf),
    ("mute", AdapterFault::Mute),
    ("carrier", AdapterFault::Carrier),
    ("address", AdapterFault::Address),
    ("nim-kill", AdapterFault::NimKill),
];

const VERBS: &str = "cut, deaf, mute, carrier, address, nim-kill, crash, daemon-kill, \
                     daemon-restart, pause, leave, path, partition or network-dead";

impl Fault {
    /// What is done, in words that [`parse`](Self::parse) reads. How long a
    /// pause or a restart takes is [said apart](Self::own_end).
    pub fn words(&self) -> String {
        let kind = self.kind();
        match self {
            Fault::Adapter(_, node, network) => format!("{kind} {node}/{network}"),
            Fault::Node(_, node) => format!("{kind} {node}"),
            Fault::Path { a, b, network, way: Way::Both } => format!("path {a} - {b} on {network}"),
            Fault::Path { a, b, network, way: Way::There } => {
                format!("path {a} -> {b} on {network}")
            }
            Fault::Partition { network, low, high } => {
                format!("partition {network}: {} | {}", low.join(" "), high.join(" "))
            }
            Fault::NetworkDead(network) => format!("{kind} {network}"),
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
            Fault::Partition { network, low, high } => {
                let nodes = low.iter().chain(high);
                nodes.map(|node| (Some(node.as_str()), Some(network.as_str()))).collect()
            }
            Fault::NetworkDead(network) => vec![(None, Some(network))],
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
        let span = || lasts.ok_or("expected `for`, how long it takes".to_owned());
        match verb {
            "crash" => Ok(Fault::Node(NodeFault::Crash, one(rest, "a node")?)),
            "daemon-kill" => Ok(Fault::Node(NodeFault::DaemonKill, one(rest, "a node")?)),
            "leave" => Ok(Fault::Node(NodeFault::Leave, one(rest, "a node")?)),
            "daemon-restart" => {
                Ok(Fault::Node(NodeFault::DaemonRestart(span()?), one(rest, "a node")?))
            }
            "pause" => Ok(Fault::Node(NodeFault::Pause(span()?), one(rest, "a node")?)),
            "path" => {
                let (a, sign, b, network) = path(rest)?;
                let way = if sign == "->" { Way::There } else { Way::Both };
                Ok(Fault::Path { a, b, network, way })
            }
            "partition" => partition(rest),
            "network-dead" => Ok(Fault::NetworkDead(one(rest, "a network")?)),
            _ => Err(format!("expected one of {VERBS}")),
        }
    }
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
    let parts = words.split_once(':').and_then(|(network, sides)| {
        let (low, high) = sides.split_once('|')?;
        let [low, high] =
            [low, high].map(|side| side.split_whitespace().map(str::to_owned).collect());
        Some((network.trim().to_owned(), low, high))
    });
    let (network, low, high): (String, Vec<String>, Vec<String>) = parts
        .filter(|(_, low, high): &(_, Vec<String>, Vec<String>)| {
            !low.is_empty() && !high.is_empty()
        })
        .ok_or("expected two sides as NETWORK: A B | C D")?;
    Ok(Fault::Partition { network, low, high })
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
