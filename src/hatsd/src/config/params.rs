//! The parameters as `hats-status params` shows them: value, default, where the
//! value is from, and what it may be.

use hats_config::duration;
use hats_core::config::Profile;
use hats_proto::ipc;

use super::{DEFAULT_FILE, Settings};

/// One parameter: its name, range, and what it is for.
type Known = (&'static str, &'static str, &'static str);

const KNOWN: [Known; 10] = [
    ("cluster.name", "1 to 64 characters", "daemons with another name are a foreign cluster"),
    ("node.name", "1 to 64 characters", "this node's name in events and status"),
    ("detection.profile", "default, fast, bfd, wan", "the set the values below come from"),
    ("detection.heartbeat_interval", "1ms to 60s", "time between heartbeats"),
    ("detection.sensitivity", "2 to 100", "heartbeats missed in a row that make a silence"),
    ("detection.probe_timeout", "1ms to 10s", "how long a probe may take"),
    ("nim.realtime_priority", "0 to 99", "0: normal scheduling; else SCHED_FIFO of that priority"),
    ("nim.lock_memory", "true, false", "whether NIMs keep their memory resident"),
    (
        "reference.default_gateway",
        "true, false",
        "whether the default gateway is the reference target of a network without any",
    ),
    ("metrics.listen", "loopback address and port", "where a scrape over HTTP is answered"),
];

impl Settings {
    /// The parameters in force on the node of this name.
    pub(crate) fn params(&self, node: &str) -> ipc::Params {
        let param = |(name, range, meaning): Known| {
            let (value, fallback) = self.value(name, node);
            ipc::Param {
                name: name.to_owned(),
                value,
                fallback,
                source: self.source(name).to_owned(),
                range: range.to_owned(),
                meaning: meaning.to_owned(),
            }
        };
        ipc::Params { list: KNOWN.into_iter().map(param).collect() }
    }

    /// The whole configuration.
    pub(crate) fn shown(&self) -> ipc::Config {
        let file = self.file.as_ref().map(|file| file.display().to_string());
        ipc::Config {
            looked_for: file.clone().unwrap_or_else(|| DEFAULT_FILE.to_owned()),
            file,
            effective: self.to_string(),
        }
    }

    /// The value in force, and the one that holds when nothing is said.
    fn value(&self, name: &str, node: &str) -> (String, String) {
        let (now, preset) = (&self.detection, self.profile.detection());
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        match name {
            "cluster.name" => (self.cluster.clone(), Settings::default().cluster),
            "node.name" => (node.to_owned(), "the host name".to_owned()),
            "detection.profile" => {
                (self.profile.word().to_owned(), Profile::Default.word().to_owned())
            }
            "detection.heartbeat_interval" => {
                (duration::show(now.heartbeat_interval), duration::show(preset.heartbeat_interval))
            }
            "detection.sensitivity" => {
                (now.sensitivity.to_string(), preset.sensitivity.to_string())
            }
            "detection.probe_timeout" => {
                let derived =
                    hats_core::config::Detection::new(now.heartbeat_interval, now.sensitivity);
                (duration::show(now.probe_timeout), duration::show(derived.probe_timeout))
            }
            "nim.realtime_priority" => {
                (self.realtime_priority.to_string(), self.preset_priority().to_string())
            }
            "reference.default_gateway" => (self.default_gateway.to_string(), true.to_string()),
            "nim.lock_memory" => (self.lock_memory.to_string(), false.to_string()),
            _ => (or_none(self.metrics.listen.map(|it| it.to_string())), or_none(None)),
        }
    }

    fn source(&self, name: &str) -> &'static str {
        if self.given.contains(name) {
            return "file";
        }
        match name {
            "node.name" => "host",
            "detection.heartbeat_interval"
            | "detection.sensitivity"
            | "detection.probe_timeout"
                if self.profile != Profile::Default =>
            {
                "profile"
            }
            _ => "default",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    fn param(text: &str, name: &str) -> ipc::Param {
        let settings = parse(Path::new("hatsd.toml"), text, false).unwrap().settings;
        settings.params("n1").list.into_iter().find(|param| param.name == name).unwrap()
    }

    #[test]
    fn a_value_says_where_it_is_from() {
        let name = "detection.heartbeat_interval";
        let of = |text: &str| {
            let param = param(text, name);
            (param.value, param.fallback, param.source)
        };
        let told = |value: &str, fallback: &str, source: &str| {
            (value.to_owned(), fallback.to_owned(), source.to_owned())
        };
        assert_eq!(of(""), told("250ms", "250ms", "default"));
        assert_eq!(of("[detection]\nprofile = \"fast\"\n"), told("50ms", "50ms", "profile"));
        // Said to be what it is anyway: still said.
        assert_eq!(
            of("[detection]\nheartbeat_interval = \"250ms\"\n"),
            told("250ms", "250ms", "file")
        );
        assert_eq!(param("", "node.name").source, "host");
    }

    #[test]
    fn the_default_of_the_probe_timeout_follows_the_detection_time() {
        let text = "[detection]\nheartbeat_interval = \"10ms\"\nsensitivity = 4\n";
        let param = param(text, "detection.probe_timeout");
        assert_eq!((param.value.as_str(), param.fallback.as_str()), ("10ms", "10ms"));
    }

    #[test]
    fn every_parameter_is_told_with_range_and_meaning() {
        for param in Settings::default().params("n1").list {
            assert!(!param.value.is_empty() && !param.fallback.is_empty(), "{}", param.name);
            assert!(!param.range.is_empty() && !param.meaning.is_empty(), "{}", param.name);
        }
    }

    #[test]
    fn metrics_are_served_to_this_host_only() {
        let listen = |at: &str| {
            parse(Path::new("hatsd.toml"), &format!("[metrics]\nlisten = \"{at}\"\n"), false)
        };
        for good in ["127.0.0.1:9107", "[::1]:9107"] {
            assert_eq!(
                listen(good).unwrap().settings.metrics.listen.unwrap().to_string(),
                good.to_owned()
            );
        }
        for wrong in ["0.0.0.0:9107", "192.28.4.1:9107", "[::]:9107", "127.0.0.1:0", "9107"] {
            let refused = listen(wrong).unwrap_err();
            assert!(refused.0.contains("metrics.listen"), "{wrong}: {}", refused.0);
        }
    }
}
