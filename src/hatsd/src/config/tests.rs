use std::path::Path;

use super::*;

fn refusal(text: &str) -> String {
    match parse(Path::new("hatsd.toml"), text, false) {
        Ok(loaded) => panic!("accepted: {text}\n{}", loaded.settings),
        Err(Refused(message)) => message,
    }
}

fn accepted(text: &str) -> Loaded {
    parse(Path::new("hatsd.toml"), text, false).unwrap_or_else(|Refused(message)| {
        panic!("refused: {text}\n{message}");
    })
}

/// The text of a network with these lines in it.
fn network(lines: &str) -> String {
    format!("[[network]]\nname = \"neta\"\n{lines}\n")
}

/// A file's text, and what the message about it must contain.
type Case = (&'static str, &'static [&'static str]);

fn assert_each_refused(cases: &[Case], file: impl Fn(&str) -> String) {
    for (text, wanted) in cases {
        let message = refusal(&file(text));
        for part in *wanted {
            assert!(message.contains(part), "{text}\nlacks {part:?}:\n{message}");
        }
    }
}

#[test]
fn each_mistake_is_named_with_line_key_value_and_what_was_expected() {
    assert_each_refused(MISTAKES, str::to_owned);
}

#[test]
fn each_mistake_in_a_network_is_named_in_the_same_way() {
    assert_each_refused(NETWORK_MISTAKES, network);
}

#[test]
fn networks_that_do_not_fit_together_are_refused() {
    let first = network("subnet = \"10.0.0.0/24\"\n");
    assert_each_refused(PAIR_MISTAKES, |second| format!("{first}{second}\n"));
}

const MISTAKES: &[Case] = &[
    (
        "[detection]\nheartbeat_intervall = \"1s\"",
        &[
            "hatsd.toml:2:1",
            "unknown key `detection.heartbeat_intervall`",
            "\"1s\"",
            "expected `heartbeat_interval`",
        ],
    ),
    ("[detectoin]\nx = 1", &["hatsd.toml:1:2", "[detectoin]", "expected `detection`"]),
    ("colour = 3", &[":1:1", "`colour`", "`3`", "expected one of cluster, node, detection"]),
    ("[cluster]\nname = 5", &[":2:8", "`cluster.name` is `5`", "expected text in quotes"]),
    ("[cluster]\nname = \"\"", &[":2:8", "`cluster.name` is `\"\"`", "it is empty"]),
    ("cluster = \"atc\"", &[":1:11", "`cluster` is `\"atc\"`", "written as [cluster]"]),
    ("[node]\nname = \"a\\tb\"", &[":2:8", "`node.name`", "printable"]),
    ("[node]\nname = \"a,b\"", &[":2:8", "`node.name`", "without commas"]),
    (
        "[detection]\nprofile = \"quick\"",
        &[":2:11", "`detection.profile` is `\"quick\"`", "default, fast, bfd, wan"],
    ),
    (
        "[detection]\nheartbeat_interval = 250",
        &[":2:22", "`detection.heartbeat_interval` is `250`", "no unit", "\"250ms\""],
    ),
    ("[detection]\nheartbeat_interval = \"0ms\"", &[":2:22", "`\"0ms\"`", "1ms to 60s"]),
    ("[detection]\nheartbeat_interval = \"99999999999h\"", &[":2:22", "too long"]),
    ("[detection]\nsensitivity = 1", &[":2:15", "sensitivity` is `1`", "from 2 to 100"]),
    ("[detection]\nsensitivity = -4", &[":2:15", "`-4`", "from 2 to 100"]),
    ("[detection]\nsensitivity = 3.5", &[":2:15", "`3.5`", "whole number"]),
    ("[detection]\nprobe_timeout = \"11s\"", &[":2:17", "`\"11s\"`", "1ms to 10s"]),
    ("[detection]\nprobe_timeout = \"2s\"", &[":2:17", "longer than the detection time (1s)"]),
    (
        "[detection]\nheartbeat_interval = \"1ms\"\nsensitivity = 2",
        &[":2:22", "`\"1ms\"`", "probe timeout (5ms) is longer", "(2ms)"],
    ),
    ("[nim]\nrealtime_priority = 100", &[":2:21", "`100`", "from 0 to 99"]),
    ("[nim]\nlock_memory = \"yes\"", &[":2:15", "`\"yes\"`", "true or false"]),
    ("[network]\nname = \"neta\"", &["`network` is", "[[network]]"]),
    ("[[network]]\nsubnet = \"10.0.0.0/24\"", &[":1:1", "[network[1]]", "no `name`"]),
    ("[[network]]\nname = \"neta\"", &[":1:1", "\"neta\"", "`subnet` nor `interfaces`"]),
    ("[cluster]\nname = \"a\"\nname = \"b\"", &[":3:1", "duplicate key"]),
    ("[cluster]\nname = atc", &[":2:8", "not TOML"]),
    ("[[adapter]]\nrequired_targets = []", &[":1:1", "no `interface`"]),
    ("[[adapter]]\ninterface = \"eth0/1\"", &[":2:13", "eth0/1", "no slash"]),
    (
        "[[adapter]]\ninterface = \"eth0\"\naddress = \"10.0.0.1\"\n\
         required_targets = [\"fd00::1\"]",
        &[":4:21", "required_targets[1]", "the adapter's family, 10.0.0.1"],
    ),
    (
        "[[adapter]]\ninterface = \"eth0\"\nnetwork = \"netz\"",
        &[":3:11", "adapter[1].network", "netz", "name of a [[network]]"],
    ),
];

const NETWORK_MISTAKES: &[Case] = &[
    ("subnet = \"10.0.0.1/24\"", &[":3:10", "host bits", "\"10.0.0.0/24\""]),
    ("subnet = \"10.0.0.1/32\"", &[":3:10", "more than one host"]),
    ("subnet = \"10.0.0.0/33\"", &[":3:10", "`\"10.0.0.0/33\"`", "expected a subnet"]),
    ("subnet = \"127.0.0.0/8\"", &[":3:10", "neither loopback nor multicast"]),
    ("interfaces = \"eth0\"", &[":3:14", "`\"eth0\"`", "in square brackets"]),
    ("interfaces = [\"eth0\", \"eth0\"]", &[":3:23", "interfaces[2]", "once"]),
    ("interfaces = [\"much-too-long-a-name\"]", &[":3:15", "1 to 15 characters"]),
    ("subnet = \"10.0.0.0/24\"\nmode = \"anycast\"", &[":4:8", "`\"anycast\"`", "unicast"]),
    ("subnet = \"10.0.0.0/24\"\ngroup = \"10.0.0.9\"", &[":4:9", "multicast address"]),
    ("subnet = \"10.0.0.0/24\"\ngroup = \"ff02::1:2\"", &[":4:9", "subnet's family"]),
    ("subnet = \"10.0.0.0/24\"\nport = 0", &[":4:8", "`0`", "from 1 to 65535"]),
    ("subnet = \"10.0.0.0/24\"\nport = 65536", &[":4:8", "from 1 to 65535"]),
    ("subnet = \"10.0.0.0/24\"\nport = \"12347\"", &[":4:8", "whole number"]),
    ("subnet = \"10.0.0.0/24\"\nmode = \"unicast\"", &[":1:1", "no `peers`"]),
    ("subnet = \"10.0.0.0/24\"\npeers = [\"239.1.1.1\"]", &[":4:10", "one other host"]),
    ("subnet = \"fd00::/64\"\nmode = \"broadcast\"", &[":3:10", "IPv6 does not have"]),
    (
        "subnet = \"10.0.0.0/24\"\nmode = \"unicast\"\npeers = [\"10.0.1.2\"]",
        &[":5:10", "peers[1]", "`\"10.0.1.2\"`", "in the network's subnet, 10.0.0.0/24"],
    ),
    (
        "subnet = \"10.0.0.0/24\"\nmode = \"unicast\"\npeers = [\"fd00::2\"]",
        &[":5:10", "subnet's family"],
    ),
    (
        "subnet = \"10.0.0.0/24\"\nmode = \"unicast\"\npeers = [\"10.0.0.2\"]\n\
         group = \"239.1.1.1\"",
        &[":6:9", "mode is \"unicast\", expected no group"],
    ),
    (
        "subnet = \"10.0.0.0/24\"\nreference_targets = [\"fd00::1\"]",
        &[":4:22", "reference_targets[1]", "subnet's family"],
    ),
    (
        "subnet = \"10.0.0.0/24\"\nreference_targets = [\"gateway\"]",
        &[":4:22", "`\"gateway\"`", "an IP address in quotes"],
    ),
];

const PAIR_MISTAKES: &[Case] = &[
    ("[[network]]\nname = \"neta\"\nsubnet = \"10.1.0.0/24\"", &[":6:8", "another name"]),
    (
        "[[network]]\nname = \"netb\"\nsubnet = \"10.0.0.128/25\"",
        &[":7:10", "do not overlap", "\"neta\" has 10.0.0.0/24"],
    ),
];

#[test]
fn every_mistake_in_a_file_is_reported_at_once() {
    let message = refusal(
        "[cluster]\nname = 1\n[detection]\nsensitivity = 0\nheartbeat_interval = 5\n[nim]\nx = 1\n",
    );
    let lines: Vec<&str> = message.lines().filter(|line| line.contains("--> ")).collect();
    assert_eq!(lines.len(), 4, "{message}");
    assert!(lines[0].contains("hatsd.toml:2") && lines[3].contains("hatsd.toml:7"), "{message}");
}

#[test]
fn an_empty_file_means_the_defaults() {
    let settings = accepted("").settings;
    let defaults = Settings { file: Some("hatsd.toml".into()), ..Settings::default() };
    assert_eq!(settings, defaults);
}

#[test]
fn a_profile_is_overridden_key_by_key_and_the_probe_timeout_follows() {
    let text = "[detection]\nprofile = \"fast\"\nheartbeat_interval = \"20ms\"";
    let settings = accepted(text).settings;
    assert_eq!(settings.profile, Profile::Fast);
    assert_eq!(settings.detection.sensitivity, 3);
    assert_eq!(settings.detection.probe_timeout.as_millis(), 15);
    let text = "[detection]\nprofile = \"wan\"\nprobe_timeout = \"2s\"";
    assert_eq!(accepted(text).settings.detection.probe_timeout.as_secs(), 2);
}

#[test]
fn a_group_outside_the_administrative_range_is_accepted_with_a_warning() {
    let text = network("subnet = \"192.28.4.0/24\"\ngroup = \"234.1.1.2\"");
    let loaded = accepted(&text);
    assert_eq!(loaded.settings.networks[0].group, Some("234.1.1.2".parse().unwrap()));
    assert!(loaded.warnings.contains("warning"), "{}", loaded.warnings);
    assert!(loaded.warnings.contains("hatsd.toml:4:9"), "{}", loaded.warnings);
    assert!(loaded.warnings.contains("239.0.0.0/8"), "{}", loaded.warnings);
}

#[test]
fn what_is_shown_reads_back_as_the_same_settings() {
    let text = "[cluster]\nname = \"atc\"\n[node]\nname = \"fdp1\"\n[nim]\nlock_memory = true\n\
        [metrics]\nlisten = \"127.0.0.1:9107\"\n\
        [[network]]\nname = \"neta\"\nsubnet = \"192.28.4.0/24\"\nmode = \"unicast\"\n\
        peers = [\"192.28.4.5\"]\nreference_targets = [\"192.28.4.254\"]\n\
        [[network]]\nname = \"netb\"\ninterfaces = [\"ens1f1\"]\ngroup = \"239.28.4.1\"\n\
        [[adapter]]\ninterface = \"ens1f0\"\naddress = \"192.28.4.7\"\nnetwork = \"neta\"\n";
    let settings = accepted(text).settings;
    let again = accepted(&settings.to_string()).settings;
    // It says more keys, and the same of each.
    assert_eq!(Settings { given: settings.given.clone(), ..again }, settings);
}

#[test]
fn the_example_in_deploy_is_accepted_as_it_is_and_with_every_key_set() {
    let example = include_str!("../../../../deploy/hatsd.toml");
    let loaded = accepted(example);
    assert_eq!(loaded.warnings, "");
    assert_eq!(
        loaded.settings,
        Settings { file: loaded.settings.file.clone(), ..Settings::default() }
    );
    // A commented key is `#key = value`, prose is `# prose`.
    let all: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => rest,
            Some(_) | None => line,
        })
        .fold(String::new(), |all, line| all + line + "\n");
    let loaded = accepted(&all);
    assert_eq!(loaded.settings.networks.len(), 2);
    for key in ["realtime_priority", "reference_targets", "peers", "group", "probe_timeout"] {
        assert!(all.contains(&format!("\n{key} = ")), "{key} is not in the example");
    }
}

#[test]
fn the_journal_has_a_size_and_an_age_and_may_be_none() {
    let journal = |text| accepted(text).settings.journal;
    let day = Duration::from_secs(86_400);
    assert_eq!(journal(""), Limits { bytes: 16 << 20, age: 7 * day });
    let set = journal("[journal]\nsize_mb = 3\nage = \"24h\"\n");
    assert_eq!(set, Limits { bytes: 3 << 20, age: day });
    assert_eq!(journal("[journal]\nsize_mb = 0\n").bytes, 0);
    for (text, part) in [
        ("[journal]\nsize_mb = 5000\n", "0 to 4096"),
        ("[journal]\nage = \"59s\"\n", "expected at least 1m"),
        ("[journal]\nsize = 5\n", "size_mb"),
    ] {
        assert!(refusal(text).contains(part), "{}", refusal(text));
    }
}
