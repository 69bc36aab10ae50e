//! A network's ring as it stands: who feeds whom.
//!
//! Members stand by falling address, each feeds the next, the last one the
//! leader. The upper row goes to the right, the lower one back.

use hats_client::ipc::{Adapter, Network, Snapshot};
use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::theme::{Theme, sign};
use crate::{show::role, words::clean};

/// One place in the ring: a member, or many that there is no room for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Place {
    label: String,
    style: Style,
}

/// The ring of `network`, at most `width` wide. `selected` is an address whose
/// surroundings are shown when there is not room for all.
pub(crate) fn ring(
    snapshot: &Snapshot,
    network: &Network,
    selected: &str,
    width: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let members: Vec<Place> = network
        .members
        .iter()
        .map(|addr| place(snapshot, network, addr, selected, theme))
        .collect();
    match members.len() {
        0 => return vec![Line::raw("no group: this node has no member in it")],
        1 => {
            let [only] = [&members[0]];
            let alone = Span::raw(" alone: nobody to watch");
            return vec![Line::from(vec![Span::styled(only.label.clone(), only.style), alone])];
        }
        _ => {}
    }
    let cell = members.iter().map(|it| it.label.chars().count()).max().unwrap_or(0);
    // A corner at each end; an arrow between two.
    let room = width.saturating_sub(2 * CORNER.chars().count());
    let fit = ((room + ARROW) / (cell + ARROW)).max(2);
    let focus = network.members.iter().position(|addr| addr == selected);
    let places = thinned(members, 2 * fit, focus.unwrap_or(0));
    let (upper, lower) = places.split_at(places.len().div_ceil(2));
    let columns = upper.len();
    let mut top = vec![Span::raw("┌▶ ")];
    let mut bottom = vec![Span::raw("└─ ")];
    for (at, place) in upper.iter().enumerate() {
        if at > 0 {
            top.push(Span::raw(" ─▶ "));
        }
        top.push(padded(place, cell));
    }
    top.push(Span::raw(" ─┐"));
    // The lower row goes back: its first is at the right.
    let mut back: Vec<Option<&Place>> = lower.iter().rev().map(Some).collect();
    back.splice(0..0, std::iter::repeat_n(None, columns - lower.len()));
    for (at, place) in back.iter().enumerate() {
        if at > 0 {
            let gap = if back[at - 1].is_none() { "────" } else { " ◀─ " };
            bottom.push(Span::raw(gap));
        }
        bottom.push(match place {
            Some(place) => padded(place, cell),
            None => Span::raw("─".repeat(cell)),
        });
    }
    bottom.push(Span::raw(" ◀┘"));
    let inner = columns * cell + (columns - 1) * ARROW;
    let middle = format!("│ {} │", " ".repeat(inner + 2));
    vec![Line::from(top), Line::raw(middle), Line::from(bottom)]
}

const CORNER: &str = "┌▶ ";
const ARROW: usize = 4;

fn padded(place: &Place, cell: usize) -> Span<'static> {
    Span::styled(format!("{:<cell$}", place.label), place.style)
}

fn place(
    snapshot: &Snapshot,
    network: &Network,
    addr: &str,
    selected: &str,
    theme: Theme,
) -> Place {
    let at = |it: &&Adapter| it.network == network.name && it.addr == addr;
    let Some(adapter) = snapshot.adapters.iter().find(at) else {
        return Place { label: clean(addr), style: Style::new() };
    };
    let mut label = format!("{} {}", sign(&adapter.state), adapter.node);
    if adapter.self_ {
        label.push('*');
    }
    match role(snapshot, adapter) {
        Some("leader") => label.push_str(" L"),
        Some("successor") => label.push_str(" S"),
        Some(_) | None => {}
    }
    let mut style = theme.state(&adapter.state);
    if addr == selected {
        style = style.add_modifier(Modifier::REVERSED);
    }
    Place { label: clean(&label), style }
}

/// At most `most` places: the first two, and those around `focus`; what is left
/// out is counted where it would stand.
fn thinned(places: Vec<Place>, most: usize, focus: usize) -> Vec<Place> {
    let count = places.len();
    if count <= most {
        return places;
    }
    // Two for leader and successor, two for what is left out on either side.
    let around = most.saturating_sub(4).max(1);
    let from = focus.saturating_sub(around / 2).max(2).min(count - around);
    let shown = |at: usize| at < 2 || (at >= from && at < from + around);
    let mut thin: Vec<Place> = Vec::new();
    let mut left_out = 0;
    for (at, place) in places.into_iter().enumerate() {
        if shown(at) {
            push_left_out(&mut thin, &mut left_out);
            thin.push(place);
        } else {
            left_out += 1;
        }
    }
    push_left_out(&mut thin, &mut left_out);
    thin
}

fn push_left_out(thin: &mut Vec<Place>, left_out: &mut usize) {
    if *left_out > 0 {
        thin.push(Place { label: format!("+{left_out}"), style: Style::new() });
        *left_out = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(members: usize) -> (Snapshot, Network) {
        let addr = |number: usize| format!("10.0.0.{number}");
        let members: Vec<String> = (1..=members).rev().map(addr).collect();
        let network = Network { name: "neta".into(), members, ..Network::default() };
        let adapters = network.members.iter().map(|addr| Adapter {
            network: "neta".into(),
            node: format!("n{}", addr.rsplit('.').next().unwrap()),
            addr: addr.clone(),
            state: "up".into(),
            ..Adapter::default()
        });
        (Snapshot { adapters: adapters.collect(), ..Snapshot::default() }, network)
    }

    fn drawn(members: usize, selected: &str, width: usize) -> Vec<String> {
        let (snapshot, network) = network(members);
        ring(&snapshot, &network, selected, width, Theme { colour: false })
            .into_iter()
            .map(|line| line.to_string().trim_end().to_owned())
            .collect()
    }

    #[test]
    fn each_feeds_the_next_and_the_last_one_the_leader() {
        assert_eq!(
            drawn(5, "", 60),
            [
                "┌▶ ● n5 ─▶ ● n4 ─▶ ● n3 ─┐",
                "│                        │",
                "└─ ────────● n1 ◀─ ● n2 ◀┘"
            ]
        );
        assert_eq!(drawn(2, "", 60)[2], "└─ ● n1 ◀┘");
        assert_eq!(drawn(1, "", 60), ["● n1 alone: nobody to watch"]);
    }

    #[test]
    fn a_ring_of_a_thousand_shows_the_surroundings_of_what_is_selected() {
        let lines = drawn(1_000, "10.0.0.500", 60);
        let all = lines.concat();
        for shown in ["n1000", "n999", "n500", "+49", "+4"] {
            assert!(all.contains(shown), "{shown}: {lines:?}");
        }
        assert!(lines.iter().all(|line| line.chars().count() <= 60), "{lines:?}");
    }

    #[test]
    fn nobody_is_lost_when_a_ring_is_thinned() {
        for focus in [0, 1, 2, 3, 17, 29] {
            let place = |at: usize| Place { label: at.to_string(), style: Style::new() };
            let thin = thinned((0..30).map(place).collect(), 8, focus);
            assert!(thin.len() <= 8 && thin.iter().any(|it| it.label == focus.to_string()));
            let counted: usize = thin
                .iter()
                .map(|it| it.label.strip_prefix('+').map_or(1, |count| count.parse().unwrap()))
                .sum();
            assert_eq!(counted, 30, "{focus}");
        }
    }
}
