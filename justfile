# A menu; .ci/run is the one definition of green.
test *ARGS:
    cargo test --workspace {{ARGS}}
lint:
    cargo fmt --all --check && cargo clippy --workspace --all-targets -- -D warnings
fuzz SECONDS="60":
    fuzz/run {{SECONDS}}
bench *ARGS:
    cargo bench -p verdikt-bench {{ARGS}}
bench-go *SIZE:
    benches/go/run {{SIZE}}
bench-peers *ARGS:
    benches/peers/run {{ARGS}}
# A real kube-apiserver that asks verdikt; the first build of it takes five minutes.
e2e-kubernetes:
    tests/oracle/build && cargo test -p verdikt-cli --test kubernetes -- --nocapture
run:
    cargo run --release
ci:
    .ci/run
