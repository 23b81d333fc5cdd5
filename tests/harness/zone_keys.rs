//! Keys of zones that are signed here, as validators are told of them.

use std::fs;

use crate::program::{Site, said};

/// Makes the first key of a zone in a folder of a site; the data of its DNSKEY record, `257 3 13 …`.
pub fn generate(site: &Site, zone: &str, folder: &str) -> String {
    let made = site.run(&["dnssec", "generate", zone, "--keys", folder]);
    assert!(made.status.success(), "{}", said(&made));
    only_key(site, folder)
}

/// The data of the DNSKEY record of the one key in a folder of a site.
pub fn only_key(site: &Site, folder: &str) -> String {
    let files = fs::read_dir(site.folder().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("a file").path());
    let public: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "key")).collect();
    assert_eq!(public.len(), 1, "{public:?}");
    let text = fs::read_to_string(&public[0]).expect("a key");
    let record = text.lines().last().and_then(|line| line.split_once(" DNSKEY "));
    record.expect("a DNSKEY record").1.to_owned()
}

/// Writes the file `anchors` of a site, by which delv trusts a zone with a key.
pub fn write_anchors(site: &Site, zone: &str, key: &str) {
    let (fixed, bits) = key.rsplit_once(' ').expect("a DNSKEY record");
    site.write("anchors", &format!("trust-anchors {{\n  {zone} static-key {fixed} \"{bits}\";\n}};\n"));
}
