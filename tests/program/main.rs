//! The program, run as an operator runs it: its commands, its listeners, its files and its log.

mod admin;
mod catalogs;
mod clients;
mod cluster;
mod colours;
mod control;
mod encrypted;
mod etcd;
mod explain;
mod forward;
mod hostile;
mod import;
mod init;
mod kubernetes;
mod machineconfig;
mod manual;
mod monitoring;
mod probes;
mod secondary;
mod sites;
mod supervision;
mod trace;
mod transfers;
mod vantage;
mod zones;
