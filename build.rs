//! Embeds the site again when its browser half was built again.

fn main() {
    // A folder that is missing would make every build a full one.
    let package = "target/site/pkg";
    if let Err(error) = std::fs::create_dir_all(package) {
        println!("cargo:warning={package} cannot be created: {error}");
    }
    println!("cargo:rerun-if-changed={package}");
    println!("cargo:rerun-if-changed=public");
}
