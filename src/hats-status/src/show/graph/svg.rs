//! A drawing that any browser shows: nodes in a row, a line for each network
//! below them, adapters where they meet.

use std::{collections::BTreeMap, fmt::Write as _};

use hats_client::ipc::{Adapter, Node, Snapshot};

use super::{GREEN, GREY, RED, look, way};
use crate::{
    show::{overview::judgement, used_networks},
    words::clean,
};

/// Nodes side by side; more go below.
const COLUMNS_MAX: usize = 20;

const LEFT: usize = 170;
const COLUMN: usize = 76;
const TOP: usize = 70;
const NODE_HEIGHT: usize = 30;
const NETWORK: usize = 64;
const RADIUS: usize = 11;
/// More failed paths at once are counted, not told.
const TOLD_MAX: usize = 20;

const STYLE: &str = "text{font-family:system-ui,sans-serif;font-size:13px;fill:#212121}\
.small{font-size:11px;fill:#616161}.sign{font-size:12px;font-weight:bold;text-anchor:middle}\
.node{text-anchor:middle}.bus{stroke:#9e9e9e;stroke-width:3}.drop{stroke:#bdbdbd}\
.path{stroke:#c62828;stroke-width:2;stroke-dasharray:5 4;fill:none}";

/// `hats-status graph`.
pub(crate) fn svg(snapshot: &Snapshot) -> String {
    let networks: Vec<&str> = used_networks(snapshot).map(|it| it.name.as_str()).collect();
    let columns = snapshot.nodes.len().clamp(1, COLUMNS_MAX);
    let band = NODE_HEIGHT + networks.len() * NETWORK + 40;
    let bands = snapshot.nodes.len().div_ceil(COLUMNS_MAX);
    let below = TOP + bands * band;
    let told = paths_told(snapshot);
    let width = (LEFT + columns * COLUMN + 20).max(620);
    let height = below + 50 + told.len() * 18;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<style>{STYLE}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    head(&mut out, snapshot);
    for (number, nodes) in snapshot.nodes.chunks(COLUMNS_MAX).enumerate() {
        let drawn = Band { snapshot, networks: &networks, nodes, top: TOP + number * band };
        drawn.draw(&mut out);
    }
    legend(&mut out, below);
    for (number, path) in told.iter().enumerate() {
        text(&mut out, (20, below + 46 + number * 18), "", path);
    }
    out.push_str("</svg>\n");
    out
}

fn head(out: &mut String, snapshot: &Snapshot) {
    let view = snapshot.daemon.as_ref().map_or("unknown", |daemon| daemon.node.as_str());
    let title = format!("cluster {}  view {view}  as of {}", snapshot.cluster, snapshot.ts);
    text(out, (20, 28), "", &title);
    let judged: String = judgement(snapshot).chars().take(160).collect();
    text(out, (20, 48), "small", &judged);
}

fn text(out: &mut String, (x, y): (usize, usize), class: &str, content: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\"{class}>{}</text>", escaped(content));
}

fn escaped(content: &str) -> String {
    let mut text = String::new();
    for c in clean(content).chars() {
        match c {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            other => text.push(other),
        }
    }
    text
}

/// As many nodes as fit side by side, with every network below them.
struct Band<'a> {
    snapshot: &'a Snapshot,
    networks: &'a [&'a str],
    nodes: &'a [Node],
    top: usize,
}

impl Band<'_> {
    fn draw(&self, out: &mut String) {
        let columns: BTreeMap<&str, usize> =
            self.nodes.iter().enumerate().map(|(at, node)| (node.name.as_str(), at)).collect();
        let right = LEFT + self.nodes.len() * COLUMN;
        for (row, name) in self.networks.iter().enumerate() {
            let y = self.bus(row);
            let _ = writeln!(
                out,
                "<line class=\"bus\" x1=\"{}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\"/>",
                LEFT - 10
            );
            text(out, (20, y), "", &short(name, 20));
            if let Some(network) = used_networks(self.snapshot).find(|it| it.name == *name) {
                let told = format!("{} {}/{} up", network.state, network.up, network.configured);
                text(out, (20, y + 15), "small", &told);
            }
        }
        for (at, node) in self.nodes.iter().enumerate() {
            self.node(out, at, node);
        }
        for adapter in &self.snapshot.adapters {
            let row = self.networks.iter().position(|name| *name == adapter.network);
            if let (Some(at), Some(row)) = (columns.get(adapter.node.as_str()), row) {
                self.adapter(out, *at, row, adapter);
            }
        }
        for path in &self.snapshot.paths {
            let row = self.networks.iter().position(|name| *name == path.network);
            let ends = (columns.get(path.node.as_str()), columns.get(path.peer_node.as_str()), row);
            // Between two bands it is only told.
            if let (Some(from), Some(to), Some(row)) = ends {
                let (y, from, to) = (self.bus(row) - RADIUS, column(*from), column(*to));
                let (middle, low) = (usize::midpoint(from, to), y - 26);
                let _ = writeln!(
                    out,
                    "<path class=\"path\" d=\"M{from} {y}Q{middle} {low} {to} {y}\"/>"
                );
            }
        }
    }

    fn bus(&self, row: usize) -> usize {
        self.top + NODE_HEIGHT + 36 + row * NETWORK
    }

    fn node(&self, out: &mut String, at: usize, node: &Node) {
        let (x, top) = (column(at), self.top);
        let bottom = self.bus(self.networks.len().saturating_sub(1));
        let _ = writeln!(
            out,
            "<line class=\"drop\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{bottom}\"/>",
            top + NODE_HEIGHT
        );
        let colour = match node.state.as_str() {
            "up" => GREEN,
            "left" => GREY,
            _ => RED,
        };
        let thick = if node.self_ { 3 } else { 1 };
        let width = COLUMN - 10;
        let _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{top}\" width=\"{width}\" height=\"{NODE_HEIGHT}\" rx=\"4\" \
             fill=\"#fafafa\" stroke=\"{colour}\" stroke-width=\"{thick}\">\
             <title>{}</title></rect>",
            x - width / 2,
            escaped(&format!("{} {}", node.name, node.state))
        );
        let is_plain = node.state == "up" && !node.maintenance;
        let line = if is_plain { top + 20 } else { top + 13 };
        text(out, (x, line), "node", &short(&node.name, 10));
        if !is_plain {
            let told = if node.state == "up" { "maint" } else { &node.state };
            text(out, (x, top + 26), "node small", &short(told, 12));
        }
    }

    fn adapter(&self, out: &mut String, at: usize, row: usize, adapter: &Adapter) {
        let look = look(self.snapshot, adapter);
        let (x, y) = (column(at), self.bus(row));
        let (fill, ink) =
            if look.solid { (look.colour, "#ffffff") } else { ("#ffffff", look.colour) };
        let why = adapter.cause.as_deref().map(|cause| format!(" ({cause})")).unwrap_or_default();
        let told = format!("{} {} {}{why}", adapter.adapter, adapter.addr, adapter.state);
        let title = escaped(&told);
        let colour = look.colour;
        // What is wrong has another shape too.
        if matches!(adapter.state.as_str(), "down" | "unknown") {
            let (left, upper, side) = (x - RADIUS, y - RADIUS, 2 * RADIUS);
            let _ = writeln!(
                out,
                "<rect x=\"{left}\" y=\"{upper}\" width=\"{side}\" height=\"{side}\" \
                 fill=\"{fill}\" stroke=\"{colour}\"><title>{title}</title></rect>"
            );
        } else {
            let _ = writeln!(
                out,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{RADIUS}\" fill=\"{fill}\" stroke=\"{colour}\" \
                 stroke-width=\"2\"><title>{title}</title></circle>"
            );
        }
        if !look.sign.is_empty() {
            let _ = writeln!(
                out,
                "<text class=\"sign\" x=\"{x}\" y=\"{}\" style=\"fill:{ink}\">{}</text>",
                y + 4,
                look.sign
            );
        }
        let last = adapter.cause.as_deref().filter(|_| adapter.state != "up");
        let below = last.map_or_else(|| tail(&adapter.addr), |cause| short(cause, 12));
        text(out, (x, y + RADIUS + 13), "node small", &below);
    }
}

fn column(at: usize) -> usize {
    LEFT + at * COLUMN + COLUMN / 2
}

/// The end of an address, which is what differs on one network.
fn tail(addr: &str) -> String {
    let from = addr.rfind(['.', ':']).unwrap_or(0);
    addr[from..].to_owned()
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).collect::<String>() + "…"
}

fn legend(out: &mut String, y: usize) {
    let signs = "L leader · S successor · x down · ? unknown · j joining · ! configured, but not \
                 there · - left";
    text(out, (20, y), "small", signs);
    let lines = "dashed red: a failed path · thick box: this node · below an adapter: the end of \
                 its address, or why it is down";
    text(out, (20, y + 16), "small", lines);
}

fn paths_told(snapshot: &Snapshot) -> Vec<String> {
    let mut told: Vec<String> = snapshot
        .paths
        .iter()
        .take(TOLD_MAX)
        .map(|path| {
            format!("{}: {} {} {}", path.network, path.node, way(&path.direction), path.peer_node)
        })
        .collect();
    if snapshot.paths.len() > TOLD_MAX {
        told.push(format!("and {} more failed paths", snapshot.paths.len() - TOLD_MAX));
    }
    told
}
