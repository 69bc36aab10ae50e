//! The configuration file of each node.

use anyhow::{Context, Result, ensure};
use toml::{Table, Value};

use crate::plan::Plan;

/// The cluster's name in every lab.
pub const CLUSTER: &str = "lab";

/// The text of a node's hatsd.toml.
///
/// # Errors
///
/// The extra configuration is not TOML.
pub fn text(plan: &Plan, node: usize) -> Result<String> {
    let mut table = Table::new();
    table.insert("cluster".into(), section("name", CLUSTER));
    table.insert("node".into(), section("name", &Plan::node_name(node)));
    table.insert("detection".into(), section("profile", &plan.profile));
    if plan.name_networks {
        let networks = plan.networks.iter().map(|network| {
            let mut entry = Table::new();
            entry.insert("name".into(), network.name.clone().into());
            entry.insert("subnet".into(), network.subnet.to_string().into());
            Value::Table(entry)
        });
        table.insert("network".into(), Value::Array(networks.collect()));
    }
    merge(&mut table, parse_extra(&plan.config_extra)?);
    toml::to_string(&table).context("write the configuration of a node")
}

/// Reads the text given with --config-extra.
///
/// # Errors
///
/// It is not TOML, or names the node: there is one file for all nodes.
pub fn parse_extra(text: &str) -> Result<Table> {
    let table: Table = toml::from_str(text).context("--config-extra")?;
    let named = table.get("node").and_then(Value::as_table).is_some_and(|n| n.contains_key("name"));
    ensure!(!named, "--config-extra: [node] name is set by the lab, the file is for all nodes");
    Ok(table)
}

fn section(key: &str, value: &str) -> Value {
    let mut table = Table::new();
    table.insert(key.into(), value.into());
    Value::Table(table)
}

/// Puts `extra` over `table`: tables are merged, everything else is replaced.
fn merge(table: &mut Table, extra: Table) {
    for (key, value) in extra {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Links;

    fn plan(extra: &str) -> Plan {
        Plan {
            nodes: 2,
            networks: Plan::networks(2, 2, false, &[]).unwrap(),
            links: Links::Tap,
            default_route: None,
            gateway: false,
            profile: "fast".into(),
            name_networks: true,
            daemons: true,
            config_extra: extra.into(),
            seed: 1,
        }
    }

    #[test]
    fn each_node_is_named_and_knows_the_networks() {
        let table: Table = toml::from_str(&text(&plan(""), 1).unwrap()).unwrap();
        assert_eq!(table["node"]["name"].as_str(), Some("n2"));
        assert_eq!(table["detection"]["profile"].as_str(), Some("fast"));
        assert_eq!(table["network"][1]["name"].as_str(), Some("netb"));
        assert_eq!(table["network"][1]["subnet"].as_str(), Some("10.77.2.0/24"));
    }

    #[test]
    fn extra_keys_are_merged_over_the_labs_own() {
        let plan = plan("[detection]\nsensitivity = 7\n[cluster]\nname = \"x\"\n");
        let table: Table = toml::from_str(&text(&plan, 0).unwrap()).unwrap();
        assert_eq!(table["detection"]["profile"].as_str(), Some("fast"));
        assert_eq!(table["detection"]["sensitivity"].as_integer(), Some(7));
        assert_eq!(table["cluster"]["name"].as_str(), Some("x"));
    }

    #[test]
    fn extra_text_that_is_no_toml_is_refused() {
        assert!(parse_extra("[detection").is_err());
        assert!(parse_extra("[node]\nname = \"n9\"").is_err());
    }
}
