//! Which events a subscriber wants.

use hats_core::event::EventKind;
use hats_proto::ipc;

/// Entries of one list; each costs a comparison per event.
const ENTRIES_MAX: usize = 256;

const LEVELS: [&str; 3] = ["error", "warn", "info"];

/// Nothing, or what is wrong with the filter. Names of nodes, networks and
/// adapters may be of what is yet to come; codes, kinds and levels are known.
pub(super) fn refusal(filter: &ipc::Filter) -> Option<String> {
    let ipc::Filter { codes, networks, nodes, adapters, kinds, levels } = filter;
    let lists = [
        ("codes", codes),
        ("networks", networks),
        ("nodes", nodes),
        ("adapters", adapters),
        ("kinds", kinds),
        ("levels", levels),
    ];
    for (name, list) in lists {
        if list.len() > ENTRIES_MAX {
            let length = list.len();
            return Some(format!(
                "filter.{name} has {length} entries, expected at most {ENTRIES_MAX}"
            ));
        }
    }
    let is_code = |code: &str| {
        let digits = code.strip_prefix("HATS-").unwrap_or_default();
        digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if let Some(code) = codes.iter().find(|code| !is_code(code)) {
        return Some(format!("filter.codes has {code:?}, expected one as HATS-2103"));
    }
    if let Some(kind) = kinds.iter().find(|kind| !EventKind::ALL.iter().any(|it| is(*it, kind))) {
        return Some(format!("filter.kinds has {kind:?}, expected one as adapter.down or adapter"));
    }
    if let Some(level) = levels.iter().find(|level| !LEVELS.contains(&level.as_str())) {
        return Some(format!("filter.levels has {level:?}, expected error, warn or info"));
    }
    None
}

fn is(kind: EventKind, wanted: &str) -> bool {
    named(kind.name(), wanted)
}

fn named(name: &str, wanted: &str) -> bool {
    name == wanted || name.split('.').next() == Some(wanted)
}

/// Lists are combined with AND; an empty one lets everything through.
pub(super) fn passes(filter: &ipc::Filter, event: &ipc::Event) -> bool {
    let any = |list: &[String], names: &[Option<&String>]| {
        list.is_empty() || names.iter().flatten().any(|name| list.contains(name))
    };
    any(&filter.codes, &[Some(&event.code)])
        && any(&filter.networks, &[event.network.as_ref(), event.peer_network.as_ref()])
        && any(&filter.nodes, &[event.node.as_ref(), event.peer_node.as_ref()])
        && any(&filter.adapters, &[event.adapter.as_ref(), event.peer_adapter.as_ref()])
        && any(&filter.levels, &[Some(&event.level)])
        && (filter.kinds.is_empty() || filter.kinds.iter().any(|it| named(&event.event, it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> ipc::Event {
        ipc::Event {
            level: "error".to_owned(),
            code: "HATS-2201".to_owned(),
            event: "path.failed".to_owned(),
            network: Some("neta".to_owned()),
            node: Some("n1".to_owned()),
            adapter: Some("eth0".to_owned()),
            peer_node: Some("n2".to_owned()),
            peer_adapter: Some("eth7".to_owned()),
            ..ipc::Event::default()
        }
    }

    fn of(field: &str, value: &str) -> ipc::Filter {
        let list = |name: &str| if name == field { vec![value.to_owned()] } else { vec![] };
        ipc::Filter {
            codes: list("codes"),
            networks: list("networks"),
            nodes: list("nodes"),
            adapters: list("adapters"),
            kinds: list("kinds"),
            levels: list("levels"),
        }
    }

    #[test]
    fn each_list_lets_through_what_it_names() {
        for (field, hit, miss) in [
            ("codes", "HATS-2201", "HATS-2202"),
            ("networks", "neta", "netb"),
            ("nodes", "n1", "n3"),
            ("nodes", "n2", "n3"),
            ("adapters", "eth0", "eth1"),
            ("adapters", "eth7", "eth1"),
            ("kinds", "path.failed", "path.restored"),
            ("kinds", "path", "adapter"),
            ("levels", "error", "info"),
        ] {
            assert!(passes(&of(field, hit), &event()), "{field} {hit}");
            assert!(!passes(&of(field, miss), &event()), "{field} {miss}");
            for value in [hit, miss] {
                assert_eq!(refusal(&of(field, value)), None, "{field} {value}");
            }
        }
    }

    #[test]
    fn lists_are_combined_with_and_entries_of_a_list_with_or() {
        let mut filter = of("networks", "neta");
        filter.nodes = vec!["n9".to_owned(), "n2".to_owned()];
        assert!(passes(&filter, &event()));
        filter.levels = vec!["info".to_owned()];
        assert!(!passes(&filter, &event()));
    }

    #[test]
    fn what_can_match_nothing_is_refused_by_name() {
        for (field, wrong) in
            [("codes", "2201"), ("codes", "HATS-22011"), ("kinds", "paths"), ("levels", "fatal")]
        {
            let said = refusal(&of(field, wrong)).unwrap();
            assert!(said.contains(field) && said.contains(wrong), "{said}");
        }
        let nodes = vec!["n1".to_owned(); 257];
        let said = refusal(&ipc::Filter { nodes, ..ipc::Filter::default() }).unwrap();
        assert_eq!(said, "filter.nodes has 257 entries, expected at most 256");
    }
}
