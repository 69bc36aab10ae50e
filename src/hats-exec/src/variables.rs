//! An event as environment variables.

use hats_client::ipc::Event;
use serde_json::Value;

/// `HATS_` and the name of the field in capitals, for each field that is there;
/// the texts of a list with spaces between. The same names as in the journal.
pub(crate) fn variables(event: &Event) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(event) else { return vec![] };
    let mut variables = vec![];
    for (name, value) in fields {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Array(items) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
            }
            other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => other.to_string(),
        };
        // Names come from other hosts. An environment cannot hold a zero byte,
        // and a script is rarely ready for the rest.
        let value = value.replace(char::is_control, "?");
        variables.push((format!("HATS_{}", name.to_uppercase()), value));
    }
    variables
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_field_that_is_there_is_a_variable() {
        let event = Event {
            code: "HATS-2103".into(),
            node: Some("n3\0\nx".into()),
            arbiters: vec!["n1".into(), "n4".into()],
            epoch: u64::MAX,
            authority: true,
            ..Event::default()
        };
        let got: BTreeMap<String, String> = variables(&event).into_iter().collect();
        let wanted = [
            ("HATS_CODE", "HATS-2103"),
            ("HATS_NODE", "n3??x"),
            ("HATS_ARBITERS", "n1 n4"),
            ("HATS_EPOCH", "18446744073709551615"),
            ("HATS_AUTHORITY", "true"),
            ("HATS_MAINTENANCE", "false"),
        ];
        for (name, value) in wanted {
            assert_eq!(got.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!got.contains_key("HATS_NETWORK"));
    }
}
