//! Tools: the commands that do not serve.
//!
//! They read files as the server would, or ask a running server. Their arguments are read in `command`.

mod format;

mod terminal;

mod asking;

mod findings;

mod making;

mod certificate;

mod check;

mod compare;

mod installer;

mod growth;

mod demo;

mod machineconfig;

mod monitoring;

mod remote;

mod support;

mod etcd;

mod tsig_key;

mod dnssec;

mod dnssec_parent;

mod dnssec_roll;

mod dnssec_leave;

pub use certificate::{CertificateError, CertificateRequest, make_certificate};
pub use check::{Check, check, check_with_system};
pub use compare::{COMPARE_RATE_MAX, CompareError, Comparison, compare};
pub use demo::demo;
pub use dnssec::{DnssecError, KeyRole, ZoneFolder, generate_key, import_key, list_keys, print_ds};
pub use dnssec_leave::{leave, stay};
pub use dnssec_roll::{Roll, RollProgress, RolledKeys, roll};
pub use etcd::{EtcdError, KeyOf, Put, check_from_etcd, export, put};
pub use format::Format;
pub use growth::{GrowthRequest, show_growth};
pub use installer::{InstallerCheck, check_installer};
pub use machineconfig::{Keys as MachineConfigKeys, Request as MachineConfigRequest, machineconfig};
pub use monitoring::{MonitoringRequest, monitoring};
pub use remote::{
    RemoteError, Server, USUAL_SOCKET, drop_updates, explain, force, reload, show_updates, signatures,
    status, trace, watch,
};
pub use support::{SupportOutput, SupportRequest, support};
pub use tsig_key::{KeyRequest, make_key};
