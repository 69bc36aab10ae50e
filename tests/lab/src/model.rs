//! What one observer believes, as its events tell. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    events::Event,
    plan::{Plan, Port},
};

/// The state of the cluster in the eyes of one daemon.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Model {
    up: BTreeSet<(String, String)>,
    roles: BTreeMap<String, (String, String, u32)>,
    /// When its last change was published.
    changed_ns: u64,
}

impl Model {
    /// Follows events from the start of a daemon.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Model {
        let mut model = Model::default();
        for event in events {
            model.follow(event);
        }
        model
    }

    fn follow(&mut self, event: &Event) {
        let before = (self.up.clone(), self.roles.clone());
        let adapter = || (event.node.clone(), event.adapter.clone());
        match event.event.as_str() {
            // A daemon that starts anew knows nothing.
            "daemon.started" => *self = Model::default(),
            "adapter.up" => drop(self.up.insert(adapter())),
            "adapter.down" => drop(self.up.remove(&adapter())),
            "node.down" | "node.left" | "daemon.down" => {
                self.up.retain(|(node, _)| *node != event.node);
            }
            "network.leader" => {
                let roles = (event.leader.clone(), event.successor.clone(), event.members);
                self.roles.insert(event.network.clone(), roles);
            }
            _ => {}
        }
        if before != (self.up.clone(), self.roles.clone()) {
            self.changed_ns = event.mono_ns;
        }
    }

    /// When everything was as it should be: every adapter of these nodes up, on
    /// every network the highest leads and the second highest succeeds. `None`
    /// when it is not.
    pub fn whole_since(&self, plan: &Plan, alive: &[usize]) -> Option<u64> {
        let all_up = plan.ports().filter(|port| alive.contains(&port.node)).all(|port| {
            self.up.contains(&(Plan::node_name(port.node), Plan::interface_name(port.network)))
        });
        let none_else = self.up.len() == alive.len() * plan.networks.len();
        let led = plan.networks.iter().all(|network| {
            self.roles.get(&network.name).is_some_and(|(leader, successor, _)| {
                (leader.clone(), successor.clone()) == expected_roles(alive)
            })
        });
        (all_up && none_else && led).then_some(self.changed_ns)
    }

    /// Leader and successor of a network in this observer's eyes.
    pub fn roles(&self, network: &str) -> (&str, &str) {
        self.roles.get(network).map_or(("nobody", "nobody"), |(l, s, _)| (l, s))
    }

    /// What is missing for the cluster to be whole, in words.
    pub fn missing(&self, plan: &Plan, alive: &[usize]) -> Vec<String> {
        let mut missing = Vec::new();
        for Port { node, network } in plan.ports() {
            let name = (Plan::node_name(node), Plan::interface_name(network));
            let up = self.up.contains(&name);
            if up != alive.contains(&node) {
                let state = if up { "up" } else { "not up" };
                missing.push(format!("{} of {} {state}", name.1, name.0));
            }
        }
        let (leader, successor) = expected_roles(alive);
        for network in &plan.networks {
            let has = self.roles(&network.name);
            if has != (leader.as_str(), successor.as_str()) {
                missing.push(format!("{}: {} leads, {} succeeds", network.name, has.0, has.1));
            }
        }
        missing
    }
}

/// The names of the leader and the successor among these nodes: addresses grow
/// with the number.
pub fn expected_roles(alive: &[usize]) -> (String, String) {
    let mut order: Vec<usize> = alive.to_vec();
    order.sort_unstable();
    let mut names = order.into_iter().rev().map(Plan::node_name);
    let mut next = || names.next().unwrap_or_default();
    (next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Links;

    fn plan() -> Plan {
        Plan {
            nodes: 2,
            networks: Plan::networks(2, 1, false, &[]).unwrap(),
            links: Links::Tap,
            default_route: None,
            gateway: false,
            profile: "default".into(),
            name_networks: true,
            daemons: true,
            config_extra: String::new(),
            seed: 1,
        }
    }

    fn adapter(event: &str, node: &str, at: u64) -> Event {
        Event {
            event: event.into(),
            node: node.into(),
            adapter: "eth0".into(),
            mono_ns: at,
            ..Event::default()
        }
    }

    fn leader(leader: &str, successor: &str, at: u64) -> Event {
        Event {
            event: "network.leader".into(),
            network: "neta".into(),
            leader: leader.into(),
            successor: successor.into(),
            mono_ns: at,
            ..Event::default()
        }
    }

    #[test]
    fn whole_from_the_last_event_that_was_needed() {
        let events = [
            leader("n1", "", 1),
            adapter("adapter.up", "n1", 2),
            adapter("adapter.up", "n2", 3),
            leader("n2", "n1", 4),
            adapter("adapter.late", "n1", 5),
        ];
        assert_eq!(Model::of(&events).whole_since(&plan(), &[0, 1]), Some(4));
        assert_eq!(Model::of(&events[..3]).whole_since(&plan(), &[0, 1]), None);
        assert_eq!(
            Model::of(&events[..3]).missing(&plan(), &[0, 1]),
            ["neta: n1 leads,  succeeds"]
        );
    }

    #[test]
    fn a_failed_node_takes_its_adapters_along() {
        let mut events = vec![
            adapter("adapter.up", "n1", 1),
            adapter("adapter.up", "n2", 2),
            adapter("node.down", "n2", 3),
            leader("n1", "", 4),
        ];
        assert_eq!(Model::of(&events).whole_since(&plan(), &[0]), Some(4));
        events.push(adapter("adapter.up", "n2", 5));
        assert_eq!(Model::of(&events).whole_since(&plan(), &[0]), None);
    }

    #[test]
    fn the_highest_number_leads_by_value_and_not_by_text() {
        assert_eq!(expected_roles(&[1, 9, 8]), ("n10".into(), "n9".into()));
        assert_eq!(expected_roles(&[0]), ("n1".into(), String::new()));
    }
}
