//! Nodes by networks.

use std::collections::BTreeMap;

use hats_client::ipc::{Adapter, Node, Snapshot};

use super::{NOTHING, role, state, used_networks};
use crate::{
    order,
    select::Hidden,
    table::{Table, WIDTH},
};

/// In a larger cluster the nodes without a fault or a part to play are only
/// counted.
const ROWS_MAX: usize = 50;

/// What the marks mean.
const LEGEND: &str = "* this node   L leader   S successor   ! a fault   - no adapter there\n";

/// Names are looked up before: this is by the state.
const NONE: &str = "no node and no adapter is in a state that --state names\n";

/// In place of an adapter that is there and not shown.
const HIDDEN: &str = "hidden";
const LEGEND_HIDDEN: &str = "hidden: has an adapter there, which --state or --adapter leaves out\n";

/// One row a node, one column a network; as many tables side by side as fit,
/// the rest below; what the marks mean. `whole` shows every node and every column
/// in one table.
pub(crate) fn matrix(snapshot: &Snapshot, hidden: &Hidden, whole: bool) -> String {
    let cells = cells(snapshot, hidden);
    let names: Vec<&str> = used_networks(snapshot).map(|network| network.name.as_str()).collect();
    let (rows, left_out) = rows(snapshot, &cells, whole);
    if rows.is_empty() && !hidden.is_empty() {
        return NONE.to_owned();
    }
    let mut text = String::new();
    let mut first = 0;
    while first < names.len().max(1) {
        let mut last = if whole { names.len() } else { (first + 1).min(names.len()) };
        let mut table = part(snapshot, &cells, &rows, &names[first..last]);
        while last < names.len() {
            let wider = part(snapshot, &cells, &rows, &names[first..=last]);
            if wider.width() > WIDTH {
                break;
            }
            table = wider;
            last += 1;
        }
        if first > 0 {
            text.push('\n');
        }
        text.push_str(&table.render());
        first = last.max(first + 1);
    }
    if left_out > 0 {
        text.push_str(&format!("and {left_out} more nodes without a fault: hats-status nodes\n"));
    }
    text.push_str(LEGEND);
    let is_hidden = |name: &&str| names.iter().any(|network| cells.is_hidden(name, network));
    if rows.iter().any(is_hidden) {
        text.push_str(LEGEND_HIDDEN);
    }
    text
}

/// What each node has on each network.
struct Cells<'a> {
    shown: BTreeMap<(&'a str, &'a str), Vec<&'a Adapter>>,
    hidden: &'a Hidden,
}

impl Cells<'_> {
    fn is_hidden(&self, node: &str, network: &str) -> bool {
        !self.shown.contains_key(&(node, network)) && self.hidden.has(node, network)
    }
}

fn cells<'a>(snapshot: &'a Snapshot, hidden: &'a Hidden) -> Cells<'a> {
    let mut shown = BTreeMap::<_, Vec<_>>::new();
    for adapter in &snapshot.adapters {
        shown.entry((adapter.node.as_str(), adapter.network.as_str())).or_default().push(adapter);
    }
    Cells { shown, hidden }
}

/// The nodes to show, and how many are not.
fn rows<'a>(snapshot: &'a Snapshot, cells: &Cells<'_>, whole: bool) -> (Vec<&'a str>, usize) {
    let mut names: Vec<&str> = snapshot.nodes.iter().map(|node| node.name.as_str()).collect();
    // An adapter may be known before its node's own report has come.
    names.extend(snapshot.adapters.iter().map(|adapter| adapter.node.as_str()));
    names.sort_by(|a, b| order::natural(a, b));
    names.dedup();
    let all = names.len();
    if all > ROWS_MAX && !whole {
        let nodes = nodes(snapshot);
        names.retain(|name| is_notable(snapshot, cells, nodes.get(name).copied(), name));
    }
    let left_out = all - names.len();
    (names, left_out)
}

fn is_notable(snapshot: &Snapshot, cells: &Cells<'_>, node: Option<&Node>, name: &str) -> bool {
    let plain = node.is_some_and(|node| node.state == "up" && !node.self_ && !node.maintenance);
    let adapters = cells.shown.range((name, "")..).take_while(|((node, _), _)| *node == name);
    let plain_adapter = |adapter: &Adapter| {
        adapter.state == "up" && matches!(role(snapshot, adapter), None | Some("member"))
    };
    !plain || !adapters.flat_map(|(_, adapters)| adapters).all(|adapter| plain_adapter(adapter))
}

fn nodes(snapshot: &Snapshot) -> BTreeMap<&str, &Node> {
    snapshot.nodes.iter().map(|node| (node.name.as_str(), node)).collect()
}

fn part(snapshot: &Snapshot, cells: &Cells<'_>, rows: &[&str], networks: &[&str]) -> Table {
    let mut titles = vec![" NODE", "STATE"];
    titles.extend(networks);
    let mut table = Table::new(&titles);
    let nodes = nodes(snapshot);
    for name in rows {
        let node = nodes.get(name).copied();
        let mark = if node.is_some_and(|node| node.self_) { '*' } else { ' ' };
        let mut row = vec![format!("{mark}{name}"), node.map_or("?".to_owned(), node_state)];
        row.extend(networks.iter().map(|network| match cells.shown.get(&(*name, *network)) {
            Some(adapters) => cell(snapshot, adapters),
            None if cells.is_hidden(name, network) => HIDDEN.to_owned(),
            None => NOTHING.to_owned(),
        }));
        table.row(row);
    }
    table
}

/// How a node is, in one cell.
pub(crate) fn node_state(node: &Node) -> String {
    let state = state(&node.state, node.cause.as_deref());
    if node.maintenance { format!("{state} (maint)") } else { state }
}

fn cell(snapshot: &Snapshot, adapters: &[&Adapter]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for adapter in adapters {
        let mut text = state(&adapter.state, adapter.cause.as_deref());
        match role(snapshot, adapter) {
            Some("leader") => text.push_str(" L"),
            Some("successor") => text.push_str(" S"),
            Some(_) | None => {}
        }
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join(", ")
}
