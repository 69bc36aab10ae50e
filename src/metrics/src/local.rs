//! What only this node knows: its adapters, their NIMs, its subscribers.

use hats_proto::ipc::{Adapter, Neighbour, Nim, Snapshot};

use crate::text::{Text, seconds, seconds_of_ms};

pub(crate) fn adapters(text: &mut Text, snapshot: &Snapshot) {
    let own = || snapshot.adapters.iter().filter(|adapter| adapter.self_);
    text.gauge("hats_adapter_carrier", "1 when the kernel sees carrier on an own adapter, else 0.");
    for adapter in own() {
        if let Some(carrier) = adapter.carrier {
            text.sample(&of_adapter(adapter), u8::from(carrier));
        }
    }
    text.gauge(
        "hats_adapter_role",
        "1 for the role an own adapter has in its group, 0 for the others; without a group all 0.",
    );
    for adapter in own() {
        for role in ["leader", "successor", "member"] {
            let [network, name] = of_adapter(adapter);
            let is = u8::from(adapter.role.as_deref() == Some(role));
            text.sample(&[network, name, ("role", role)], is);
        }
    }
    let upstream = || own().flat_map(|own| own.watches.iter().map(move |it| (own, it)));
    let labels = |own: &Adapter, upstream: &Neighbour| {
        [
            ("network", own.network.clone()),
            ("adapter", own.adapter.clone()),
            ("neighbour", upstream.node.clone()),
            ("addr", upstream.addr.clone()),
        ]
    };
    let help = "The longest gap between its heartbeats in the NIM's last second.";
    text.gauge("hats_neighbour_gap_max_seconds", help);
    for (own, it) in upstream() {
        if let Some(gap_us) = it.gap_max_us {
            let labels = labels(own, it);
            text.sample(&borrowed(&labels), seconds(gap_us));
        }
    }
    let help = "Since the last heartbeat of an upstream neighbour that the NIM has told of.";
    text.gauge("hats_neighbour_silence_seconds", help);
    for (own, it) in upstream() {
        let labels = labels(own, it);
        text.sample(&borrowed(&labels), seconds_of_ms(it.last_heard_ms));
    }
    let help = "Heartbeats in a row that an upstream neighbour has missed.";
    text.gauge("hats_neighbour_missed_heartbeats", help);
    for (own, it) in upstream() {
        let labels = labels(own, it);
        text.sample(&borrowed(&labels), it.missed);
    }
}

fn of_adapter(adapter: &Adapter) -> [(&str, &str); 2] {
    [("network", &adapter.network), ("adapter", &adapter.adapter)]
}

fn borrowed<'a, const N: usize>(labels: &'a [(&'a str, String); N]) -> [(&'a str, &'a str); N] {
    labels.each_ref().map(|(name, value)| (*name, value.as_str()))
}

pub(crate) fn nims(text: &mut Text, snapshot: &Snapshot) {
    text.gauge("hats_nim_up", "1 when the process that owns an adapter is running, else 0.");
    for nim in &snapshot.nims {
        text.sample(&of_nim(nim), u8::from(nim.state == "running"));
    }
    for (name, help, value) in counters() {
        text.counter(name, help);
        for nim in &snapshot.nims {
            text.sample(&of_nim(nim), value(nim));
        }
    }
    let help = "Datagrams that a NIM refused, by reason.";
    text.counter("hats_nim_rejected_datagrams_total", help);
    for nim in &snapshot.nims {
        for counter in &nim.rejected {
            let [network, adapter] = of_nim(nim);
            text.sample(&[network, adapter, ("reason", &counter.name)], counter.value);
        }
    }
    text.gauge("hats_nim_lateness_max_seconds", "A NIM's worst recent scheduling gap.");
    for nim in &snapshot.nims {
        text.sample(&of_nim(nim), seconds(nim.lateness_max_us));
    }
    text.gauge("hats_nim_resident_bytes", "Resident memory of a NIM.");
    for nim in &snapshot.nims {
        text.sample(&of_nim(nim), nim.rss_bytes);
    }
}

/// A counter of a NIM: its name, its help, and where it is.
type Counted = (&'static str, &'static str, fn(&Nim) -> u64);

fn counters() -> [Counted; 7] {
    [
        ("hats_nim_restarts_total", "How often a NIM was started again.", |it| it.restarts.into()),
        ("hats_nim_sent_datagrams_total", "Datagrams sent.", |it| it.sent),
        ("hats_nim_received_datagrams_total", "Datagrams received.", |it| it.received),
        ("hats_nim_sent_heartbeats_total", "Heartbeats sent.", |it| it.heartbeats_sent),
        ("hats_nim_received_heartbeats_total", "Heartbeats received.", |it| it.heartbeats_received),
        ("hats_nim_missed_heartbeats_total", "Heartbeats that did not come.", |it| {
            it.heartbeats_missed
        }),
        ("hats_nim_send_errors_total", "Datagrams the kernel refused to send.", |it| {
            it.send_errors
        }),
    ]
}

fn of_nim(nim: &Nim) -> [(&str, &str); 2] {
    [("network", &nim.network), ("adapter", &nim.adapter)]
}

pub(crate) fn subscribers(text: &mut Text, snapshot: &Snapshot) {
    text.gauge("hats_subscribers", "Connections to the daemon's socket.");
    text.sample(&[], snapshot.subscribers.len());
    let help = "The longest queue of messages that a subscriber has not read.";
    text.gauge("hats_subscriber_queue_max", help);
    let longest = snapshot.subscribers.iter().map(|subscriber| subscriber.queued).max();
    text.sample(&[], longest.unwrap_or(0));
}

pub(crate) fn params(text: &mut Text, snapshot: &Snapshot) {
    text.gauge("hats_param_info", "A parameter in force and where it is from; always 1.");
    for param in snapshot.params.iter().flat_map(|params| &params.list) {
        let labels =
            [("param", param.name.as_str()), ("value", &param.value), ("from", &param.source)];
        text.sample(&labels, 1);
    }
}
