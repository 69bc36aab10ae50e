//! The topology as a drawing: nodes, the networks they are on, and what is
//! wrong between them.

mod dot;
mod svg;

pub(crate) use dot::dot;
pub(crate) use svg::svg;

use hats_client::ipc::{Adapter, Snapshot};

use super::role;

/// How an adapter looks: its colour, and a sign that says the same.
struct Look {
    colour: &'static str,
    /// Filled, else a ring.
    solid: bool,
    /// A letter in it, or nothing.
    sign: &'static str,
}

const GREEN: &str = "#2e7d32";
const RED: &str = "#c62828";
const AMBER: &str = "#b26a00";
const GREY: &str = "#757575";

fn look(snapshot: &Snapshot, adapter: &Adapter) -> Look {
    match adapter.state.as_str() {
        "up" => {
            let sign = match role(snapshot, adapter) {
                Some("leader") => "L",
                Some("successor") => "S",
                Some(_) | None => "",
            };
            Look { colour: GREEN, solid: true, sign }
        }
        "down" => Look { colour: RED, solid: true, sign: "x" },
        "unknown" => Look { colour: AMBER, solid: true, sign: "?" },
        "joining" => Look { colour: AMBER, solid: false, sign: "j" },
        "waiting" => Look { colour: GREY, solid: false, sign: "!" },
        _ => Look { colour: GREY, solid: false, sign: "-" },
    }
}

/// The sentence of a failed path, as far as it is the same in both drawings.
fn way(direction: &str) -> &'static str {
    match direction {
        "to_peer" => "does not reach",
        "from_peer" => "does not hear",
        _ => "neither hears nor reaches",
    }
}

#[cfg(test)]
mod tests {
    use hats_client::ipc::{Network, Node, Path};

    use super::*;

    fn cluster(nodes: usize) -> Snapshot {
        let mut snapshot = Snapshot {
            networks: vec![Network { name: "neta".into(), ..Network::default() }],
            ..Snapshot::default()
        };
        for number in 1..=nodes {
            let name = format!("n{number}");
            snapshot.adapters.push(Adapter {
                network: "neta".into(),
                node: name.clone(),
                adapter: "eth0".into(),
                addr: format!("10.0.0.{number}"),
                state: "up".into(),
                ..Adapter::default()
            });
            snapshot.nodes.push(Node { name, state: "up".into(), ..Node::default() });
        }
        snapshot
    }

    #[test]
    fn names_cannot_break_out_of_either_drawing() {
        let mut snapshot = cluster(1);
        let name = "<script>\"&'\n\u{1b}";
        snapshot.nodes[0].name = name.into();
        snapshot.adapters[0].node = name.into();
        let svg = svg(&snapshot);
        assert!(!svg.contains("<script") && !svg.contains('\u{1b}'), "{svg}");
        assert!(svg.contains("&lt;script&gt;&quot;&amp;&#39;"), "{svg}");
        let dot = dot(&snapshot);
        assert!(dot.contains(r#""<script>\"&'??""#), "{dot}");
    }

    #[test]
    fn a_drawing_of_a_thousand_nodes_is_no_wider_than_of_twenty() {
        let width = |nodes| {
            let svg = svg(&cluster(nodes));
            let width = svg.split_once("width=\"").unwrap().1;
            width.split_once('"').unwrap().0.parse::<usize>().unwrap()
        };
        assert_eq!(width(1_000), width(20));
        assert!(width(3) < width(20));
    }

    #[test]
    fn a_failed_path_is_drawn_and_told() {
        let mut snapshot = cluster(3);
        snapshot.paths.push(Path {
            network: "neta".into(),
            node: "n1".into(),
            addr: "10.0.0.1".into(),
            peer_node: "n3".into(),
            peer_addr: "10.0.0.3".into(),
            direction: "to_peer".into(),
            ..Path::default()
        });
        assert!(svg(&snapshot).contains("neta: n1 does not reach n3"));
        assert!(svg(&snapshot).contains("class=\"path\""));
        let dot = dot(&snapshot);
        assert!(dot.contains("does not reach"), "{dot}");
    }
}
