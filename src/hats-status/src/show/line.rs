//! `key:name|key:name|attribute=value|attribute=value`, one thing a line.

use hats_client::ipc::{
    Adapter, Config, Network, Nim, Node, Param, Path, Snapshot, Subscriber, Verdict,
};

use super::role;

/// One line in the making. `|`, `%` and control characters in values are
/// written as `%7C`, so that a line can be taken apart at each `|`.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) text: String,
}

impl Line {
    /// Begins with what the line is about.
    pub(crate) fn of(keys: &[(&str, &str)]) -> Self {
        let keys: Vec<String> =
            keys.iter().map(|(key, name)| format!("{key}:{}", escaped(name))).collect();
        Line { text: keys.join("|") }
    }

    pub(crate) fn attribute(&mut self, name: &str, value: &str) {
        self.text.push_str(&format!("|{name}={}", escaped(value)));
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.text.push_str(&format!("|{name}={value}"));
    }

    pub(crate) fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attribute(name, value);
        }
    }

    fn end(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        if c == '|' || c == '%' || c.is_ascii_control() {
            text.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

/// The judgement, then every network, node, adapter, path and verdict.
pub(crate) fn overview(snapshot: &Snapshot) -> String {
    let mut cluster = Line::of(&[("cluster", &snapshot.cluster)]);
    cluster.attribute("overall", &snapshot.overall);
    cluster.attribute("why", &snapshot.reasons.join(", "));
    cluster.optional("view", snapshot.daemon.as_ref().map(|daemon| daemon.node.as_str()));
    cluster.attribute("ts", &snapshot.ts);
    cluster.number("epoch", snapshot.epoch);
    cluster.number("next_seq", snapshot.next_seq);
    if let Some(detection) = &snapshot.detection {
        cluster.number("detection_time_us", detection.detection_time_us);
        cluster.number("verdict_bound_us", detection.verdict_bound_us);
    }
    let mut text = cluster.end();
    text.extend(super::used_networks(snapshot).map(network));
    text.extend(snapshot.nodes.iter().map(node));
    text.extend(snapshot.adapters.iter().map(|one| adapter(snapshot, one)));
    text.extend(snapshot.paths.iter().map(path));
    text.extend(snapshot.verdicts.iter().map(verdict));
    text
}

pub(crate) fn network(network: &Network) -> String {
    let mut line = Line::of(&[("net", &network.name)]);
    line.attribute("state", &network.state);
    line.optional("why", network.reason.as_deref());
    line.number("configured", network.configured.into());
    line.number("up", network.up.into());
    line.optional("leader", network.leader.as_deref());
    line.optional("leader_addr", network.leader_addr.as_deref());
    line.optional("successor", network.successor.as_deref());
    line.optional("successor_addr", network.successor_addr.as_deref());
    line.attribute("subnet", &network.subnet);
    line.attribute("mode", &network.mode);
    line.number("instance", network.instance);
    line.number("since_ms", network.since_ms);
    line.end()
}

pub(crate) fn node(node: &Node) -> String {
    let mut line = Line::of(&[("node", &node.name)]);
    line.attribute("state", &node.state);
    line.optional("why", node.cause.as_deref());
    line.attribute("self", if node.self_ { "yes" } else { "no" });
    line.attribute("maintenance", if node.maintenance { "yes" } else { "no" });
    line.number("incarnation", node.incarnation);
    line.optional("verdict", node.verdict_id.as_deref());
    line.number("since_ms", node.since_ms);
    line.end()
}

pub(crate) fn adapter(snapshot: &Snapshot, adapter: &Adapter) -> String {
    let keys = [
        ("net", adapter.network.as_str()),
        ("node", adapter.node.as_str()),
        ("adapter", adapter.adapter.as_str()),
    ];
    let mut line = Line::of(&keys);
    line.attribute("state", &adapter.state);
    line.optional("why", adapter.cause.as_deref());
    line.attribute("addr", &adapter.addr);
    line.optional("role", role(snapshot, adapter));
    line.optional("verdict", adapter.verdict_id.as_deref());
    line.number("since_ms", adapter.since_ms);
    line.end()
}

pub(crate) fn path(path: &Path) -> String {
    let mut line =
        Line::of(&[("net", &path.network), ("node", &path.node), ("peer", &path.peer_node)]);
    line.attribute("state", "failed");
    line.attribute("direction", &path.direction);
    line.attribute("addr", &path.addr);
    line.attribute("peer_addr", &path.peer_addr);
    line.optional("verdict", path.verdict_id.as_deref());
    line.number("since_ms", path.since_ms);
    line.end()
}

pub(crate) fn verdict(verdict: &Verdict) -> String {
    let mut line = Line::of(&[("verdict", &verdict.id)]);
    line.attribute("kind", &verdict.kind);
    line.optional("why", verdict.cause.as_deref());
    line.attribute("net", &verdict.network);
    line.optional("node", verdict.node.as_deref());
    line.optional("adapter", verdict.adapter.as_deref());
    line.optional("addr", verdict.addr.as_deref());
    line.optional("peer", verdict.peer_node.as_deref());
    line.optional("direction", verdict.direction.as_deref());
    line.attribute("confidence", &verdict.confidence);
    line.attribute("reporter", &verdict.reporter);
    line.attribute("arbiters", &verdict.arbiters.join(","));
    line.attribute("decided_by", &verdict.decided_by);
    line.number("took_ms", verdict.took_ms);
    line.attribute("ts", &verdict.ts);
    line.attribute("summary", &verdict.summary);
    line.end()
}

/// A verdict and its evidence.
pub(crate) fn verdict_in_full(of: &Verdict) -> String {
    let mut text = verdict(of);
    for seen in &of.evidence {
        let keys =
            [("verdict", of.id.as_str()), ("prober", &seen.prober), ("target", &seen.target)];
        let mut line = Line::of(&keys);
        line.attribute("part", &seen.part);
        line.attribute("net", &seen.network);
        line.attribute("target_addr", &seen.target_addr);
        line.number("sent", seen.sent.into());
        line.number("received", seen.received.into());
        line.optional("rtt_us", seen.rtt_us.map(|rtt| rtt.to_string()).as_deref());
        let by_target = seen.seen_by_target.map(|count| count.to_string());
        line.optional("seen_by_target", by_target.as_deref());
        line.number("heard_from_target", seen.heard_from_target.into());
        let yes_no = |answer: bool| if answer { "yes" } else { "no" };
        line.optional("icmp", seen.icmp.map(yes_no));
        line.optional("elsewhere", seen.elsewhere.map(yes_no));
        text.push_str(&line.end());
    }
    text
}

pub(crate) fn nim(nim: &Nim) -> String {
    let mut line = Line::of(&[("net", &nim.network), ("nim", &nim.adapter)]);
    line.attribute("state", &nim.state);
    line.attribute("addr", &nim.addr);
    line.optional("pid", nim.pid.map(|pid| pid.to_string()).as_deref());
    line.number("restarts", nim.restarts.into());
    line.number("sent", nim.sent);
    line.number("received", nim.received);
    line.number("heartbeats_missed", nim.heartbeats_missed);
    line.number("send_errors", nim.send_errors);
    line.number("lateness_max_us", nim.lateness_max_us);
    line.end()
}

pub(crate) fn subscriber(subscriber: &Subscriber) -> String {
    let mut line = Line::of(&[("subscriber", &subscriber.pid.to_string())]);
    line.attribute("client", &subscriber.client);
    line.number("uid", subscriber.uid.into());
    line.number("queued", subscriber.queued);
    line.number("sent", subscriber.sent);
    line.number("since_ms", subscriber.since_ms);
    line.end()
}

pub(crate) fn param(param: &Param) -> String {
    let mut line = Line::of(&[("param", &param.name)]);
    line.attribute("value", &param.value);
    line.attribute("default", &param.fallback);
    line.attribute("from", &param.source);
    line.attribute("range", &param.range);
    line.end()
}

/// The file, then a line for each line of the configuration in force.
pub(crate) fn config(config: &Config) -> String {
    let mut line = Line::of(&[("config", config.file.as_deref().unwrap_or_default())]);
    line.attribute("looked_for", &config.looked_for);
    let mut text = line.end();
    for (number, content) in config.effective.lines().enumerate() {
        let mut line = Line::of(&[("config_line", &(number + 1).to_string())]);
        line.attribute("text", content);
        text.push_str(&line.end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_adapter_is_one_line_that_a_script_can_take_apart() {
        let failed = Adapter {
            network: "netb".into(),
            node: "n1".into(),
            adapter: "ens2f0".into(),
            addr: "193.28.4.4".into(),
            state: "down".into(),
            cause: Some("transmit".into()),
            ..Adapter::default()
        };
        assert_eq!(
            adapter(&Snapshot::default(), &failed),
            "net:netb|node:n1|adapter:ens2f0|state=down|why=transmit|addr=193.28.4.4|since_ms=0\n"
        );
    }

    #[test]
    fn separators_in_names_do_not_forge_fields() {
        let forged =
            Node { name: "n1|state=up\n%".into(), state: "down".into(), ..Node::default() };
        assert!(node(&forged).starts_with("node:n1%7Cstate=up%0A%25|state=down|"));
    }
}
