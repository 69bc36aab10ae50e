//! Graphviz: nodes as boxes, networks as ellipses, adapters as edges.

use std::fmt::Write as _;

use hats_client::ipc::{Network, Node, Snapshot};

use super::{GREEN, GREY, RED, look, way};
use crate::{show::used_networks, words::clean};

/// `hats-status graph -o dot`; `neato` or `dot` make a picture of it.
pub(crate) fn dot(snapshot: &Snapshot) -> String {
    let mut out = String::from("graph hats {\n");
    let title = format!("cluster {} as of {}", snapshot.cluster, snapshot.ts);
    out.push_str(&format!("  label={}\n", quoted(&title)));
    out.push_str("  overlap=false\n  splines=true\n  node [fontname=\"sans-serif\"]\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10]\n");
    for network in used_networks(snapshot) {
        out.push_str(&network_line(network));
    }
    for node in &snapshot.nodes {
        out.push_str(&node_line(node));
    }
    for adapter in &snapshot.adapters {
        let look = look(snapshot, adapter);
        let mut label = format!("{} {}", adapter.adapter, adapter.addr);
        if adapter.state != "up" {
            label = format!("{label} {}", adapter.state);
        }
        if let Some(cause) = &adapter.cause {
            label = format!("{label} ({cause})");
        }
        if !look.sign.is_empty() && adapter.state == "up" {
            label = format!("{label} {}", look.sign);
        }
        let style = if adapter.state == "up" { "solid" } else { "dashed" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "  {} -- {} [label={}, color=\"{}\", style={style}]",
            quoted(&format!("node {}", adapter.node)),
            quoted(&format!("network {}", adapter.network)),
            quoted(label.trim()),
            look.colour
        );
    }
    for path in &snapshot.paths {
        let text =
            format!("{}: {} {} {}", path.network, path.node, way(&path.direction), path.peer_node);
        let _ = writeln!(
            out,
            "  {} -- {} [label={}, color=\"{RED}\", style=dotted, constraint=false]",
            quoted(&format!("node {}", path.node)),
            quoted(&format!("node {}", path.peer_node)),
            quoted(&text)
        );
    }
    out.push_str("}\n");
    out
}

fn network_line(network: &Network) -> String {
    let mut label = format!("{}\\n{}", escaped(&network.name), escaped(&network.subnet));
    if network.state != "stable" {
        label.push_str(&format!("\\n{}", escaped(&network.state)));
    }
    let colour = match network.state.as_str() {
        "failed" | "partitioned" => RED,
        _ => GREY,
    };
    let id = quoted(&format!("network {}", network.name));
    format!("  {id} [label=\"{label}\", shape=ellipse, color=\"{colour}\"]\n")
}

fn node_line(node: &Node) -> String {
    let up = node.state == "up";
    let mut label = escaped(&node.name);
    if !up {
        label.push_str(&format!("\\n{}", escaped(&node.state)));
    }
    if node.maintenance {
        label.push_str("\\nmaintenance");
    }
    let colour = if up { GREEN } else { RED };
    let id = quoted(&format!("node {}", node.name));
    let bold = if node.self_ { ", penwidth=2" } else { "" };
    format!("  {id} [label=\"{label}\", shape=box, color=\"{colour}\"{bold}]\n")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"")
}
