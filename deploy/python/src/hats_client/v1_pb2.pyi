from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Request(_message.Message):
    __slots__ = ("hello", "get_snapshot", "subscribe", "ping", "get_events")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    GET_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    GET_EVENTS_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    get_snapshot: GetSnapshot
    subscribe: Subscribe
    ping: Ping
    get_events: GetEvents
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., get_snapshot: _Optional[_Union[GetSnapshot, _Mapping]] = ..., subscribe: _Optional[_Union[Subscribe, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., get_events: _Optional[_Union[GetEvents, _Mapping]] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("welcome", "snapshot", "event", "lost", "error", "keep_alive", "pong", "changes", "events_end")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALIVE_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_END_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    snapshot: Snapshot
    event: Event
    lost: Lost
    error: Error
    keep_alive: KeepAlive
    pong: Pong
    changes: Changes
    events_end: EventsEnd
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., snapshot: _Optional[_Union[Snapshot, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., lost: _Optional[_Union[Lost, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., keep_alive: _Optional[_Union[KeepAlive, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., changes: _Optional[_Union[Changes, _Mapping]] = ..., events_end: _Optional[_Union[EventsEnd, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("version_min", "version_max", "client")
    VERSION_MIN_FIELD_NUMBER: _ClassVar[int]
    VERSION_MAX_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    version_min: int
    version_max: int
    client: str
    def __init__(self, version_min: _Optional[int] = ..., version_max: _Optional[int] = ..., client: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("version", "daemon_version", "cluster", "node", "epoch", "next_seq", "pid")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DAEMON_VERSION_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    version: int
    daemon_version: str
    cluster: str
    node: str
    epoch: int
    next_seq: int
    pid: int
    def __init__(self, version: _Optional[int] = ..., daemon_version: _Optional[str] = ..., cluster: _Optional[str] = ..., node: _Optional[str] = ..., epoch: _Optional[int] = ..., next_seq: _Optional[int] = ..., pid: _Optional[int] = ...) -> None: ...

class GetSnapshot(_message.Message):
    __slots__ = ("params", "config")
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    params: bool
    config: bool
    def __init__(self, params: _Optional[bool] = ..., config: _Optional[bool] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: int
    def __init__(self, token: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: int
    def __init__(self, token: _Optional[int] = ...) -> None: ...

class Subscribe(_message.Message):
    __slots__ = ("filter", "view", "since_unix_ms")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    filter: Filter
    view: bool
    since_unix_ms: int
    def __init__(self, filter: _Optional[_Union[Filter, _Mapping]] = ..., view: _Optional[bool] = ..., since_unix_ms: _Optional[int] = ..., **kwargs) -> None: ...

class GetEvents(_message.Message):
    __slots__ = ("filter", "since_unix_ms")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    filter: Filter
    since_unix_ms: int
    def __init__(self, filter: _Optional[_Union[Filter, _Mapping]] = ..., since_unix_ms: _Optional[int] = ..., **kwargs) -> None: ...

class EventsEnd(_message.Message):
    __slots__ = ("epoch", "next_seq", "count")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    next_seq: int
    count: int
    def __init__(self, epoch: _Optional[int] = ..., next_seq: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("codes", "networks", "nodes", "adapters", "kinds", "levels")
    CODES_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    ADAPTERS_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    codes: _containers.RepeatedScalarFieldContainer[str]
    networks: _containers.RepeatedScalarFieldContainer[str]
    nodes: _containers.RepeatedScalarFieldContainer[str]
    adapters: _containers.RepeatedScalarFieldContainer[str]
    kinds: _containers.RepeatedScalarFieldContainer[str]
    levels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, codes: _Optional[_Iterable[str]] = ..., networks: _Optional[_Iterable[str]] = ..., nodes: _Optional[_Iterable[str]] = ..., adapters: _Optional[_Iterable[str]] = ..., kinds: _Optional[_Iterable[str]] = ..., levels: _Optional[_Iterable[str]] = ...) -> None: ...

class ResumePoint(_message.Message):
    __slots__ = ("epoch", "seq")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    seq: int
    def __init__(self, epoch: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...

class Lost(_message.Message):
    __slots__ = ("count", "epoch", "next_seq", "more")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    count: int
    epoch: int
    next_seq: int
    more: bool
    def __init__(self, count: _Optional[int] = ..., epoch: _Optional[int] = ..., next_seq: _Optional[int] = ..., more: _Optional[bool] = ...) -> None: ...

class Changes(_message.Message):
    __slots__ = ("epoch", "next_seq", "ts", "mono_ns", "overall", "reasons", "networks", "nodes", "adapters", "paths", "verdicts", "networks_gone", "nodes_gone", "adapters_gone", "paths_gone", "verdicts_gone")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    TS_FIELD_NUMBER: _ClassVar[int]
    MONO_NS_FIELD_NUMBER: _ClassVar[int]
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    ADAPTERS_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_GONE_FIELD_NUMBER: _ClassVar[int]
    NODES_GONE_FIELD_NUMBER: _ClassVar[int]
    ADAPTERS_GONE_FIELD_NUMBER: _ClassVar[int]
    PATHS_GONE_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_GONE_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    next_seq: int
    ts: str
    mono_ns: int
    overall: str
    reasons: _containers.RepeatedScalarFieldContainer[str]
    networks: _containers.RepeatedCompositeFieldContainer[Network]
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    adapters: _containers.RepeatedCompositeFieldContainer[Adapter]
    paths: _containers.RepeatedCompositeFieldContainer[Path]
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    networks_gone: _containers.RepeatedCompositeFieldContainer[Network]
    nodes_gone: _containers.RepeatedCompositeFieldContainer[Node]
    adapters_gone: _containers.RepeatedCompositeFieldContainer[Adapter]
    paths_gone: _containers.RepeatedCompositeFieldContainer[Path]
    verdicts_gone: _containers.RepeatedCompositeFieldContainer[Verdict]
    def __init__(self, epoch: _Optional[int] = ..., next_seq: _Optional[int] = ..., ts: _Optional[str] = ..., mono_ns: _Optional[int] = ..., overall: _Optional[str] = ..., reasons: _Optional[_Iterable[str]] = ..., networks: _Optional[_Iterable[_Union[Network, _Mapping]]] = ..., nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., adapters: _Optional[_Iterable[_Union[Adapter, _Mapping]]] = ..., paths: _Optional[_Iterable[_Union[Path, _Mapping]]] = ..., verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ..., networks_gone: _Optional[_Iterable[_Union[Network, _Mapping]]] = ..., nodes_gone: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., adapters_gone: _Optional[_Iterable[_Union[Adapter, _Mapping]]] = ..., paths_gone: _Optional[_Iterable[_Union[Path, _Mapping]]] = ..., verdicts_gone: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ...) -> None: ...

class KeepAlive(_message.Message):
    __slots__ = ("epoch", "next_seq", "mono_ns")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    MONO_NS_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    next_seq: int
    mono_ns: int
    def __init__(self, epoch: _Optional[int] = ..., next_seq: _Optional[int] = ..., mono_ns: _Optional[int] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("kind", "message")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Error.Kind]
        KIND_VERSION: _ClassVar[Error.Kind]
        KIND_BAD_REQUEST: _ClassVar[Error.Kind]
        KIND_PERMISSION: _ClassVar[Error.Kind]
        KIND_FULL: _ClassVar[Error.Kind]
    KIND_UNSPECIFIED: Error.Kind
    KIND_VERSION: Error.Kind
    KIND_BAD_REQUEST: Error.Kind
    KIND_PERMISSION: Error.Kind
    KIND_FULL: Error.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    kind: Error.Kind
    message: str
    def __init__(self, kind: _Optional[_Union[Error.Kind, str]] = ..., message: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("ts", "mono_ns", "level", "code", "event", "cluster", "node", "network", "adapter", "addr", "cause", "confidence", "verdict_id", "reporter", "arbiters", "peer_node", "peer_adapter", "peer_addr", "peer_network", "direction", "leader", "leader_addr", "successor", "successor_addr", "members", "instance", "sets", "clears", "missing", "hint", "late_ms", "count", "pid", "incarnation", "version", "mac", "peer_mac", "loss_in", "loss_out", "mtu", "authority", "maintenance", "observer", "epoch", "seq", "msg")
    TS_FIELD_NUMBER: _ClassVar[int]
    MONO_NS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    ADDR_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_ID_FIELD_NUMBER: _ClassVar[int]
    REPORTER_FIELD_NUMBER: _ClassVar[int]
    ARBITERS_FIELD_NUMBER: _ClassVar[int]
    PEER_NODE_FIELD_NUMBER: _ClassVar[int]
    PEER_ADAPTER_FIELD_NUMBER: _ClassVar[int]
    PEER_ADDR_FIELD_NUMBER: _ClassVar[int]
    PEER_NETWORK_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    LEADER_ADDR_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_ADDR_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    CLEARS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    LATE_MS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MAC_FIELD_NUMBER: _ClassVar[int]
    PEER_MAC_FIELD_NUMBER: _ClassVar[int]
    LOSS_IN_FIELD_NUMBER: _ClassVar[int]
    LOSS_OUT_FIELD_NUMBER: _ClassVar[int]
    MTU_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVER_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    MSG_FIELD_NUMBER: _ClassVar[int]
    ts: str
    mono_ns: int
    level: str
    code: str
    event: str
    cluster: str
    node: str
    network: str
    adapter: str
    addr: str
    cause: str
    confidence: str
    verdict_id: str
    reporter: str
    arbiters: _containers.RepeatedScalarFieldContainer[str]
    peer_node: str
    peer_adapter: str
    peer_addr: str
    peer_network: str
    direction: str
    leader: str
    leader_addr: str
    successor: str
    successor_addr: str
    members: int
    instance: int
    sets: _containers.RepeatedScalarFieldContainer[str]
    clears: str
    missing: str
    hint: str
    late_ms: int
    count: int
    pid: int
    incarnation: int
    version: str
    mac: str
    peer_mac: str
    loss_in: int
    loss_out: int
    mtu: int
    authority: bool
    maintenance: bool
    observer: str
    epoch: int
    seq: int
    msg: str
    def __init__(self, ts: _Optional[str] = ..., mono_ns: _Optional[int] = ..., level: _Optional[str] = ..., code: _Optional[str] = ..., event: _Optional[str] = ..., cluster: _Optional[str] = ..., node: _Optional[str] = ..., network: _Optional[str] = ..., adapter: _Optional[str] = ..., addr: _Optional[str] = ..., cause: _Optional[str] = ..., confidence: _Optional[str] = ..., verdict_id: _Optional[str] = ..., reporter: _Optional[str] = ..., arbiters: _Optional[_Iterable[str]] = ..., peer_node: _Optional[str] = ..., peer_adapter: _Optional[str] = ..., peer_addr: _Optional[str] = ..., peer_network: _Optional[str] = ..., direction: _Optional[str] = ..., leader: _Optional[str] = ..., leader_addr: _Optional[str] = ..., successor: _Optional[str] = ..., successor_addr: _Optional[str] = ..., members: _Optional[int] = ..., instance: _Optional[int] = ..., sets: _Optional[_Iterable[str]] = ..., clears: _Optional[str] = ..., missing: _Optional[str] = ..., hint: _Optional[str] = ..., late_ms: _Optional[int] = ..., count: _Optional[int] = ..., pid: _Optional[int] = ..., incarnation: _Optional[int] = ..., version: _Optional[str] = ..., mac: _Optional[str] = ..., peer_mac: _Optional[str] = ..., loss_in: _Optional[int] = ..., loss_out: _Optional[int] = ..., mtu: _Optional[int] = ..., authority: _Optional[bool] = ..., maintenance: _Optional[bool] = ..., observer: _Optional[str] = ..., epoch: _Optional[int] = ..., seq: _Optional[int] = ..., msg: _Optional[str] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("schema", "ts", "mono_ns", "epoch", "next_seq", "cluster", "overall", "reasons", "daemon", "detection", "networks", "nodes", "adapters", "paths", "verdicts", "nims", "subscribers", "params", "config")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TS_FIELD_NUMBER: _ClassVar[int]
    MONO_NS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    DAEMON_FIELD_NUMBER: _ClassVar[int]
    DETECTION_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    ADAPTERS_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    NIMS_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBERS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    schema: str
    ts: str
    mono_ns: int
    epoch: int
    next_seq: int
    cluster: str
    overall: str
    reasons: _containers.RepeatedScalarFieldContainer[str]
    daemon: Daemon
    detection: Detection
    networks: _containers.RepeatedCompositeFieldContainer[Network]
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    adapters: _containers.RepeatedCompositeFieldContainer[Adapter]
    paths: _containers.RepeatedCompositeFieldContainer[Path]
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    nims: _containers.RepeatedCompositeFieldContainer[Nim]
    subscribers: _containers.RepeatedCompositeFieldContainer[Subscriber]
    params: Params
    config: Config
    def __init__(self, schema: _Optional[str] = ..., ts: _Optional[str] = ..., mono_ns: _Optional[int] = ..., epoch: _Optional[int] = ..., next_seq: _Optional[int] = ..., cluster: _Optional[str] = ..., overall: _Optional[str] = ..., reasons: _Optional[_Iterable[str]] = ..., daemon: _Optional[_Union[Daemon, _Mapping]] = ..., detection: _Optional[_Union[Detection, _Mapping]] = ..., networks: _Optional[_Iterable[_Union[Network, _Mapping]]] = ..., nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., adapters: _Optional[_Iterable[_Union[Adapter, _Mapping]]] = ..., paths: _Optional[_Iterable[_Union[Path, _Mapping]]] = ..., verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ..., nims: _Optional[_Iterable[_Union[Nim, _Mapping]]] = ..., subscribers: _Optional[_Iterable[_Union[Subscriber, _Mapping]]] = ..., params: _Optional[_Union[Params, _Mapping]] = ..., config: _Optional[_Union[Config, _Mapping]] = ...) -> None: ...

class Daemon(_message.Message):
    __slots__ = ("node", "node_id", "incarnation", "version", "pid", "uptime_ms", "lateness_max_us", "config_file", "rss_bytes")
    NODE_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    UPTIME_MS_FIELD_NUMBER: _ClassVar[int]
    LATENESS_MAX_US_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FILE_FIELD_NUMBER: _ClassVar[int]
    RSS_BYTES_FIELD_NUMBER: _ClassVar[int]
    node: str
    node_id: str
    incarnation: int
    version: str
    pid: int
    uptime_ms: int
    lateness_max_us: int
    config_file: str
    rss_bytes: int
    def __init__(self, node: _Optional[str] = ..., node_id: _Optional[str] = ..., incarnation: _Optional[int] = ..., version: _Optional[str] = ..., pid: _Optional[int] = ..., uptime_ms: _Optional[int] = ..., lateness_max_us: _Optional[int] = ..., config_file: _Optional[str] = ..., rss_bytes: _Optional[int] = ...) -> None: ...

class Detection(_message.Message):
    __slots__ = ("profile", "heartbeat_interval_us", "sensitivity", "probe_timeout_us", "detection_time_us", "verdict_bound_us")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_US_FIELD_NUMBER: _ClassVar[int]
    SENSITIVITY_FIELD_NUMBER: _ClassVar[int]
    PROBE_TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    DETECTION_TIME_US_FIELD_NUMBER: _ClassVar[int]
    VERDICT_BOUND_US_FIELD_NUMBER: _ClassVar[int]
    profile: str
    heartbeat_interval_us: int
    sensitivity: int
    probe_timeout_us: int
    detection_time_us: int
    verdict_bound_us: int
    def __init__(self, profile: _Optional[str] = ..., heartbeat_interval_us: _Optional[int] = ..., sensitivity: _Optional[int] = ..., probe_timeout_us: _Optional[int] = ..., detection_time_us: _Optional[int] = ..., verdict_bound_us: _Optional[int] = ...) -> None: ...

class Network(_message.Message):
    __slots__ = ("name", "subnet", "mode", "group", "port", "leader", "leader_addr", "successor", "successor_addr", "instance", "configured", "up", "state", "reason", "since_ms", "members", "local", "multicast_broken", "narrow", "crossed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUBNET_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    LEADER_ADDR_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_ADDR_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    CONFIGURED_FIELD_NUMBER: _ClassVar[int]
    UP_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    MULTICAST_BROKEN_FIELD_NUMBER: _ClassVar[int]
    NARROW_FIELD_NUMBER: _ClassVar[int]
    CROSSED_FIELD_NUMBER: _ClassVar[int]
    name: str
    subnet: str
    mode: str
    group: str
    port: int
    leader: str
    leader_addr: str
    successor: str
    successor_addr: str
    instance: int
    configured: int
    up: int
    state: str
    reason: str
    since_ms: int
    members: _containers.RepeatedScalarFieldContainer[str]
    local: bool
    multicast_broken: bool
    narrow: _containers.RepeatedCompositeFieldContainer[Narrow]
    crossed: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., subnet: _Optional[str] = ..., mode: _Optional[str] = ..., group: _Optional[str] = ..., port: _Optional[int] = ..., leader: _Optional[str] = ..., leader_addr: _Optional[str] = ..., successor: _Optional[str] = ..., successor_addr: _Optional[str] = ..., instance: _Optional[int] = ..., configured: _Optional[int] = ..., up: _Optional[int] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., since_ms: _Optional[int] = ..., members: _Optional[_Iterable[str]] = ..., local: _Optional[bool] = ..., multicast_broken: _Optional[bool] = ..., narrow: _Optional[_Iterable[_Union[Narrow, _Mapping]]] = ..., crossed: _Optional[_Iterable[str]] = ...) -> None: ...

class Narrow(_message.Message):
    __slots__ = ("node", "addr", "peer_node", "peer_addr", "mtu")
    NODE_FIELD_NUMBER: _ClassVar[int]
    ADDR_FIELD_NUMBER: _ClassVar[int]
    PEER_NODE_FIELD_NUMBER: _ClassVar[int]
    PEER_ADDR_FIELD_NUMBER: _ClassVar[int]
    MTU_FIELD_NUMBER: _ClassVar[int]
    node: str
    addr: str
    peer_node: str
    peer_addr: str
    mtu: int
    def __init__(self, node: _Optional[str] = ..., addr: _Optional[str] = ..., peer_node: _Optional[str] = ..., peer_addr: _Optional[str] = ..., mtu: _Optional[int] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("name", "node_id", "self", "state", "cause", "reason", "incarnation", "since_ms", "verdict_id", "version", "maintenance")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    SELF_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    node_id: str
    self: bool
    state: str
    cause: str
    reason: str
    incarnation: int
    since_ms: int
    verdict_id: str
    version: str
    maintenance: bool
    def __init__(self_, name: _Optional[str] = ..., node_id: _Optional[str] = ..., self: _Optional[bool] = ..., state: _Optional[str] = ..., cause: _Optional[str] = ..., reason: _Optional[str] = ..., incarnation: _Optional[int] = ..., since_ms: _Optional[int] = ..., verdict_id: _Optional[str] = ..., version: _Optional[str] = ..., maintenance: _Optional[bool] = ...) -> None: ...

class Adapter(_message.Message):
    __slots__ = ("network", "node", "adapter", "addr", "self", "state", "cause", "reason", "verdict_id", "since_ms", "role", "carrier", "ifindex", "mac", "watches", "feeds", "held_ms", "losses", "references", "required")
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    ADDR_FIELD_NUMBER: _ClassVar[int]
    SELF_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERDICT_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    IFINDEX_FIELD_NUMBER: _ClassVar[int]
    MAC_FIELD_NUMBER: _ClassVar[int]
    WATCHES_FIELD_NUMBER: _ClassVar[int]
    FEEDS_FIELD_NUMBER: _ClassVar[int]
    HELD_MS_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    network: str
    node: str
    adapter: str
    addr: str
    self: bool
    state: str
    cause: str
    reason: str
    verdict_id: str
    since_ms: int
    role: str
    carrier: bool
    ifindex: int
    mac: str
    watches: _containers.RepeatedCompositeFieldContainer[Neighbour]
    feeds: _containers.RepeatedScalarFieldContainer[str]
    held_ms: int
    losses: int
    references: _containers.RepeatedScalarFieldContainer[str]
    required: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self_, network: _Optional[str] = ..., node: _Optional[str] = ..., adapter: _Optional[str] = ..., addr: _Optional[str] = ..., self: _Optional[bool] = ..., state: _Optional[str] = ..., cause: _Optional[str] = ..., reason: _Optional[str] = ..., verdict_id: _Optional[str] = ..., since_ms: _Optional[int] = ..., role: _Optional[str] = ..., carrier: _Optional[bool] = ..., ifindex: _Optional[int] = ..., mac: _Optional[str] = ..., watches: _Optional[_Iterable[_Union[Neighbour, _Mapping]]] = ..., feeds: _Optional[_Iterable[str]] = ..., held_ms: _Optional[int] = ..., losses: _Optional[int] = ..., references: _Optional[_Iterable[str]] = ..., required: _Optional[_Iterable[str]] = ...) -> None: ...

class Neighbour(_message.Message):
    __slots__ = ("addr", "node", "state", "last_heard_ms", "missed", "gap_max_us", "measured")
    ADDR_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARD_MS_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    GAP_MAX_US_FIELD_NUMBER: _ClassVar[int]
    MEASURED_FIELD_NUMBER: _ClassVar[int]
    addr: str
    node: str
    state: str
    last_heard_ms: int
    missed: int
    gap_max_us: int
    measured: Measured
    def __init__(self, addr: _Optional[str] = ..., node: _Optional[str] = ..., state: _Optional[str] = ..., last_heard_ms: _Optional[int] = ..., missed: _Optional[int] = ..., gap_max_us: _Optional[int] = ..., measured: _Optional[_Union[Measured, _Mapping]] = ...) -> None: ...

class Measured(_message.Message):
    __slots__ = ("span_ms", "beats", "lost", "lost_run_max", "late_p500_us", "late_p990_us", "late_p999_us", "late_max_us")
    SPAN_MS_FIELD_NUMBER: _ClassVar[int]
    BEATS_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    LOST_RUN_MAX_FIELD_NUMBER: _ClassVar[int]
    LATE_P500_US_FIELD_NUMBER: _ClassVar[int]
    LATE_P990_US_FIELD_NUMBER: _ClassVar[int]
    LATE_P999_US_FIELD_NUMBER: _ClassVar[int]
    LATE_MAX_US_FIELD_NUMBER: _ClassVar[int]
    span_ms: int
    beats: int
    lost: int
    lost_run_max: int
    late_p500_us: int
    late_p990_us: int
    late_p999_us: int
    late_max_us: int
    def __init__(self, span_ms: _Optional[int] = ..., beats: _Optional[int] = ..., lost: _Optional[int] = ..., lost_run_max: _Optional[int] = ..., late_p500_us: _Optional[int] = ..., late_p990_us: _Optional[int] = ..., late_p999_us: _Optional[int] = ..., late_max_us: _Optional[int] = ...) -> None: ...

class Path(_message.Message):
    __slots__ = ("network", "node", "addr", "peer_node", "peer_addr", "direction", "verdict_id", "since_ms")
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ADDR_FIELD_NUMBER: _ClassVar[int]
    PEER_NODE_FIELD_NUMBER: _ClassVar[int]
    PEER_ADDR_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    VERDICT_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    network: str
    node: str
    addr: str
    peer_node: str
    peer_addr: str
    direction: str
    verdict_id: str
    since_ms: int
    def __init__(self, network: _Optional[str] = ..., node: _Optional[str] = ..., addr: _Optional[str] = ..., peer_node: _Optional[str] = ..., peer_addr: _Optional[str] = ..., direction: _Optional[str] = ..., verdict_id: _Optional[str] = ..., since_ms: _Optional[int] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("id", "ts", "kind", "network", "node", "adapter", "addr", "cause", "confidence", "reporter", "suspect", "arbiters", "decided_by", "summary", "hint", "evidence", "peer_node", "peer_addr", "direction", "sets", "missing", "took_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    TS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    ADDR_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    REPORTER_FIELD_NUMBER: _ClassVar[int]
    SUSPECT_FIELD_NUMBER: _ClassVar[int]
    ARBITERS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    PEER_NODE_FIELD_NUMBER: _ClassVar[int]
    PEER_ADDR_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    TOOK_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    ts: str
    kind: str
    network: str
    node: str
    adapter: str
    addr: str
    cause: str
    confidence: str
    reporter: str
    suspect: str
    arbiters: _containers.RepeatedScalarFieldContainer[str]
    decided_by: str
    summary: str
    hint: str
    evidence: _containers.RepeatedCompositeFieldContainer[Observation]
    peer_node: str
    peer_addr: str
    direction: str
    sets: _containers.RepeatedScalarFieldContainer[str]
    missing: str
    took_ms: int
    def __init__(self, id: _Optional[str] = ..., ts: _Optional[str] = ..., kind: _Optional[str] = ..., network: _Optional[str] = ..., node: _Optional[str] = ..., adapter: _Optional[str] = ..., addr: _Optional[str] = ..., cause: _Optional[str] = ..., confidence: _Optional[str] = ..., reporter: _Optional[str] = ..., suspect: _Optional[str] = ..., arbiters: _Optional[_Iterable[str]] = ..., decided_by: _Optional[str] = ..., summary: _Optional[str] = ..., hint: _Optional[str] = ..., evidence: _Optional[_Iterable[_Union[Observation, _Mapping]]] = ..., peer_node: _Optional[str] = ..., peer_addr: _Optional[str] = ..., direction: _Optional[str] = ..., sets: _Optional[_Iterable[str]] = ..., missing: _Optional[str] = ..., took_ms: _Optional[int] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("prober", "prober_addr", "part", "target", "target_addr", "network", "sent", "received", "rtt_us", "seen_by_target", "heard_from_target", "icmp", "elsewhere")
    PROBER_FIELD_NUMBER: _ClassVar[int]
    PROBER_ADDR_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TARGET_ADDR_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    RTT_US_FIELD_NUMBER: _ClassVar[int]
    SEEN_BY_TARGET_FIELD_NUMBER: _ClassVar[int]
    HEARD_FROM_TARGET_FIELD_NUMBER: _ClassVar[int]
    ICMP_FIELD_NUMBER: _ClassVar[int]
    ELSEWHERE_FIELD_NUMBER: _ClassVar[int]
    prober: str
    prober_addr: str
    part: str
    target: str
    target_addr: str
    network: str
    sent: int
    received: int
    rtt_us: int
    seen_by_target: int
    heard_from_target: int
    icmp: bool
    elsewhere: bool
    def __init__(self, prober: _Optional[str] = ..., prober_addr: _Optional[str] = ..., part: _Optional[str] = ..., target: _Optional[str] = ..., target_addr: _Optional[str] = ..., network: _Optional[str] = ..., sent: _Optional[int] = ..., received: _Optional[int] = ..., rtt_us: _Optional[int] = ..., seen_by_target: _Optional[int] = ..., heard_from_target: _Optional[int] = ..., icmp: _Optional[bool] = ..., elsewhere: _Optional[bool] = ...) -> None: ...

class Nim(_message.Message):
    __slots__ = ("network", "adapter", "addr", "pid", "state", "restarts", "sent", "received", "heartbeats_sent", "heartbeats_received", "heartbeats_missed", "send_errors", "rejected", "lateness_max_us", "scheduling", "memory_locked", "rss_bytes")
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    ADDR_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    HEARTBEATS_SENT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEATS_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    HEARTBEATS_MISSED_FIELD_NUMBER: _ClassVar[int]
    SEND_ERRORS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    LATENESS_MAX_US_FIELD_NUMBER: _ClassVar[int]
    SCHEDULING_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LOCKED_FIELD_NUMBER: _ClassVar[int]
    RSS_BYTES_FIELD_NUMBER: _ClassVar[int]
    network: str
    adapter: str
    addr: str
    pid: int
    state: str
    restarts: int
    sent: int
    received: int
    heartbeats_sent: int
    heartbeats_received: int
    heartbeats_missed: int
    send_errors: int
    rejected: _containers.RepeatedCompositeFieldContainer[Counter]
    lateness_max_us: int
    scheduling: str
    memory_locked: bool
    rss_bytes: int
    def __init__(self, network: _Optional[str] = ..., adapter: _Optional[str] = ..., addr: _Optional[str] = ..., pid: _Optional[int] = ..., state: _Optional[str] = ..., restarts: _Optional[int] = ..., sent: _Optional[int] = ..., received: _Optional[int] = ..., heartbeats_sent: _Optional[int] = ..., heartbeats_received: _Optional[int] = ..., heartbeats_missed: _Optional[int] = ..., send_errors: _Optional[int] = ..., rejected: _Optional[_Iterable[_Union[Counter, _Mapping]]] = ..., lateness_max_us: _Optional[int] = ..., scheduling: _Optional[str] = ..., memory_locked: _Optional[bool] = ..., rss_bytes: _Optional[int] = ...) -> None: ...

class Counter(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: int
    def __init__(self, name: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...

class Subscriber(_message.Message):
    __slots__ = ("client", "pid", "uid", "queued", "sent", "since_ms")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    client: str
    pid: int
    uid: int
    queued: int
    sent: int
    since_ms: int
    def __init__(self, client: _Optional[str] = ..., pid: _Optional[int] = ..., uid: _Optional[int] = ..., queued: _Optional[int] = ..., sent: _Optional[int] = ..., since_ms: _Optional[int] = ...) -> None: ...

class Params(_message.Message):
    __slots__ = ("list",)
    LIST_FIELD_NUMBER: _ClassVar[int]
    list: _containers.RepeatedCompositeFieldContainer[Param]
    def __init__(self, list: _Optional[_Iterable[_Union[Param, _Mapping]]] = ...) -> None: ...

class Param(_message.Message):
    __slots__ = ("name", "value", "fallback", "source", "range", "meaning")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    MEANING_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    fallback: str
    source: str
    range: str
    meaning: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ..., fallback: _Optional[str] = ..., source: _Optional[str] = ..., range: _Optional[str] = ..., meaning: _Optional[str] = ...) -> None: ...

class Config(_message.Message):
    __slots__ = ("file", "looked_for", "effective")
    FILE_FIELD_NUMBER: _ClassVar[int]
    LOOKED_FOR_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_FIELD_NUMBER: _ClassVar[int]
    file: str
    looked_for: str
    effective: str
    def __init__(self, file: _Optional[str] = ..., looked_for: _Optional[str] = ..., effective: _Optional[str] = ...) -> None: ...
