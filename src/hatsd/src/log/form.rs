//! How an event looks in the log.

use hats_core::event::EventKind;
use hats_proto::ipc;

/// The object that subscribers get, and `suppressed` when there is something
/// to say.
pub(crate) fn json(event: &ipc::Event, suppressed: u64) -> Vec<u8> {
    // An event is text and numbers under fixed names: it always serialises.
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    if suppressed > 0 && line.pop().is_some() {
        line.extend_from_slice(format!(",\"suppressed\":{suppressed}}}").as_bytes());
    }
    line.push(b'\n');
    line
}

/// `12:04:07.331 ERROR HATS-2103 neta: eth0 of n3 down: ...`
pub(crate) fn text(event: &ipc::Event, suppressed: u64) -> Vec<u8> {
    // The time within RFC 3339's "2026-11-22T12:04:07.331Z".
    let time = event.ts.get(11..23).unwrap_or(&event.ts);
    let hint = event.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
    let level = event.level.to_uppercase();
    let mut line = format!("{time} {level:<5} {} {}{hint}", event.code, event.msg);
    if suppressed > 0 {
        line += &format!(" [{suppressed} suppressed]");
    }
    // Names come from other hosts: nothing of them may steer a terminal.
    if line.contains(char::is_control) {
        line = line.replace(char::is_control, "?");
    }
    line.push('\n');
    line.into_bytes()
}

/// The journal's native protocol: `NAME=value` lines; a value with line ends
/// goes with its length instead.
pub(crate) fn journal(event: &ipc::Event, suppressed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let priority = match event.level.as_str() {
        "error" => "3",
        "warn" => "4",
        _ => "6",
    };
    field(&mut out, "MESSAGE", &format!("{} {}", event.code, event.msg));
    field(&mut out, "PRIORITY", priority);
    field(&mut out, "SYSLOG_FACILITY", "3");
    field(&mut out, "SYSLOG_IDENTIFIER", "hatsd");
    if let Some(kind) = EventKind::ALL.iter().find(|kind| kind.code() == event.code) {
        field(&mut out, "MESSAGE_ID", kind.message_id());
    }
    if suppressed > 0 {
        field(&mut out, "HATS_SUPPRESSED", &suppressed.to_string());
    }
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(event) else { return out };
    for (name, value) in fields {
        let value = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Array(items) => {
                let texts: Vec<&str> = items.iter().filter_map(|item| item.as_str()).collect();
                texts.join(" ")
            }
            serde_json::Value::Null => continue,
            other @ (serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Object(_)) => other.to_string(),
        };
        field(&mut out, &format!("HATS_{}", name.to_uppercase()), &value);
    }
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> ipc::Event {
        ipc::Event {
            ts: "2026-11-22T12:04:07.331Z".to_owned(),
            level: "error".to_owned(),
            code: "HATS-2103".to_owned(),
            event: "adapter.down".to_owned(),
            node: Some("n3".to_owned()),
            arbiters: vec!["n1".to_owned(), "n4".to_owned()],
            msg: "neta: eth0 of n3 down".to_owned(),
            seq: 12,
            ..ipc::Event::default()
        }
    }

    fn said(event: &ipc::Event, suppressed: u64) -> String {
        String::from_utf8(text(event, suppressed)).unwrap()
    }

    #[test]
    fn text_is_one_line_for_people() {
        assert_eq!(said(&event(), 0), "12:04:07.331 ERROR HATS-2103 neta: eth0 of n3 down\n");
        let hinted = ipc::Event { hint: Some("look at the switch".to_owned()), ..event() };
        assert!(said(&hinted, 0).ends_with("down (look at the switch)\n"));
    }

    #[test]
    fn names_from_other_hosts_cannot_steer_a_terminal() {
        let event = ipc::Event { msg: "node \u{1b}[2Jx\nfaked line".to_owned(), ..event() };
        assert_eq!(said(&event, 0), "12:04:07.331 ERROR HATS-2103 node ?[2Jx?faked line\n");
    }

    #[test]
    fn json_is_one_line() {
        let event = ipc::Event { msg: "two\nlines".to_owned(), ..event() };
        let line = String::from_utf8(json(&event, 0)).unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.ends_with("}\n"));
    }

    #[test]
    fn every_form_says_how_many_lines_were_suppressed_and_only_when_some_were() {
        let json_of = |suppressed| String::from_utf8(json(&event(), suppressed)).unwrap();
        assert!(json_of(12).ends_with("\",\"suppressed\":12}\n"), "{}", json_of(12));
        assert!(serde_json::from_str::<serde_json::Value>(&json_of(12)).unwrap().is_object());
        assert!(said(&event(), 12).ends_with("eth0 of n3 down [12 suppressed]\n"));
        let journal_of =
            |suppressed| String::from_utf8_lossy(&journal(&event(), suppressed)).into_owned();
        assert!(journal_of(12).contains("\nHATS_SUPPRESSED=12\n"));
        for line in [json_of(0), said(&event(), 0), journal_of(0)] {
            assert!(!line.to_lowercase().contains("suppressed"), "{line}");
        }
    }

    #[test]
    fn the_journal_gets_the_message_id_of_the_catalogue_and_no_foreign_prefix() {
        let bytes = journal(&event(), 0);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("\nMESSAGE_ID=d6aff9b39ae64bb08565caef4293e158\n"), "{text}");
        assert!(text.contains("\nHATS_CODE=HATS-2103\n"), "{text}");
        assert!(text.contains("\nHATS_EVENT=adapter.down\n"), "{text}");
        assert!(text.lines().all(|line| !line.starts_with("F_")), "{text}");
    }

    #[test]
    fn the_journal_gets_fields_and_long_values_with_their_length() {
        let event = ipc::Event { msg: "two\nlines".to_owned(), ..event() };
        let bytes = journal(&event, 0);
        let text = String::from_utf8_lossy(&bytes);
        for part in ["PRIORITY=3\n", "HATS_NODE=n3\n", "HATS_ARBITERS=n1 n4\n", "HATS_SEQ=12\n"] {
            assert!(text.contains(part), "{part} not in {text}");
        }
        let mut message = b"MESSAGE\n".to_vec();
        message.extend_from_slice(&19u64.to_le_bytes());
        message.extend_from_slice(b"HATS-2103 two\nlines\n");
        assert!(bytes.starts_with(&message), "{text}");
    }
}
