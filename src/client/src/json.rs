//! The JSON that people and programs read: the same as in the daemon's log.

use hats_proto::ipc::{Event, Snapshot};

/// One flat object on one line, without a line end: the keys in the order of
/// the `.proto` file, absent fields left out, `authority` and `maintenance`
/// always there.
pub fn to_json(event: &Event) -> String {
    serde_json::to_string(event).expect("an event is strings, numbers, booleans and lists of them")
}

/// A whole snapshot on one line, without a line end. Lists are always there,
/// absent optional fields are left out.
pub fn snapshot_to_json(snapshot: &Snapshot) -> String {
    serde_json::to_string(snapshot).expect("a snapshot is plain data with string keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_line_in_the_order_of_the_protocol() {
        let event = Event {
            ts: "2026-11-22T12:04:07.331Z".into(),
            mono_ns: 812_345_678_901,
            level: "error".into(),
            code: "HATS-2103".into(),
            event: "adapter.down".into(),
            cluster: "atc".into(),
            node: Some("n3".into()),
            network: Some("neta".into()),
            adapter: Some("eth0".into()),
            addr: Some("10.77.1.3".into()),
            cause: Some("transmit".into()),
            confidence: Some("high".into()),
            verdict_id: Some("n3-41-7".into()),
            reporter: Some("n2".into()),
            arbiters: vec!["n1".into()],
            authority: true,
            observer: "n2".into(),
            epoch: 1_795_432,
            seq: 10_922,
            msg: "neta: eth0 of n3 (10.77.1.3) down:\n \"mute\"".into(),
            ..Event::default()
        };
        assert_eq!(
            to_json(&event),
            r#"{"ts":"2026-11-22T12:04:07.331Z","mono_ns":812345678901,"level":"error","#
                .to_owned()
                + r#""code":"HATS-2103","event":"adapter.down","cluster":"atc","node":"n3","#
                + r#""network":"neta","adapter":"eth0","addr":"10.77.1.3","cause":"transmit","#
                + r#""confidence":"high","verdict_id":"n3-41-7","reporter":"n2","arbiters":["n1"],"#
                + r#""authority":true,"maintenance":false,"observer":"n2","epoch":1795432,"#
                + r#""seq":10922,"msg":"neta: eth0 of n3 (10.77.1.3) down:\n \"mute\""}"#
        );
    }

    #[test]
    fn what_an_event_does_not_say_is_left_out_but_the_two_flags_are_always_there() {
        let json = to_json(&Event::default());
        assert!(!json.contains("null") && !json.contains("arbiters") && !json.contains("node"));
        assert!(json.contains(r#""authority":false,"maintenance":false"#), "{json}");
    }

    #[test]
    fn numbers_beyond_double_precision_keep_every_digit() {
        let json = to_json(&Event { epoch: u64::MAX, ..Event::default() });
        assert!(json.contains(r#""epoch":18446744073709551615"#), "{json}");
    }

    #[test]
    fn the_node_that_answers_is_marked_with_the_key_of_the_protocol() {
        let node = hats_proto::ipc::Node { self_: true, ..Default::default() };
        let adapter = hats_proto::ipc::Adapter { self_: true, ..Default::default() };
        let snapshot =
            Snapshot { nodes: vec![node], adapters: vec![adapter], ..Default::default() };
        let json = snapshot_to_json(&snapshot);
        assert_eq!(json.matches(r#""self":true"#).count(), 2, "{json}");
    }

    #[test]
    fn a_snapshot_has_its_lists_even_when_they_are_empty() {
        let json = snapshot_to_json(&Snapshot::default());
        assert!(json.contains(r#""networks":[]"#) && json.contains(r#""verdicts":[]"#), "{json}");
    }
}
