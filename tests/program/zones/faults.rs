//! `edgedns check` finds faults before they are served.

use harness::program::Site;

/// Both zones as a node has them today.
fn three_node() -> Site {
    let site = Site::new();
    site.write("inside-out.xyz", include_str!("../../data/three-node/etc/pdns/inside-out.xyz"));
    site.write("infra.xyz", include_str!("../../data/three-node/etc/pdns/infra.xyz"));
    site.configure(
        "[[zone]]\nname = \"acm-demo-hub.redhat.ren\"\nfile = \"inside-out.xyz\"\n\n\
         [[zone]]\nname = \"infra.redhat.ren\"\nfile = \"infra.xyz\"\n",
    );
    site
}

#[test]
fn check_finds_both_mistakes_of_the_infra_zone_with_their_places() {
    let output = three_node().check();
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    for place in ["infra.xyz:11:23", "infra.xyz:12:23"] {
        assert!(text.contains(place), "no fault at {place}:\n{text}");
    }
    assert_eq!(text.matches("did you mean").count(), 2, "{text}");
    assert_eq!(text.matches("error:").count(), 2, "a fault where there is none:\n{text}");
}

#[test]
fn check_passes_once_the_mistakes_are_corrected() {
    let site = three_node();
    let infra = include_str!("../../data/three-node/etc/pdns/infra.xyz");
    site.write("infra.xyz", &infra.replace("IN    A    LUA    A", "IN    LUA    A"));
    let output = site.check();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_bad_command_line_ends_with_status_2() {
    let output = harness::program::command().arg("--confg").output();
    assert_eq!(output.expect("the program runs").status.code(), Some(2));
}
