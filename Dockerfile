# One static binary, in an image with nothing else in it: no shell, no libc, no root.
#
#   docker build -t verdikt:0.1.0 .
FROM rust:1.95-alpine AS build
# C of aws-lc and mimalloc; the authorities that HTTPS to issuers and webhooks is held against.
RUN apk add --no-cache build-base ca-certificates cmake linux-headers perl
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY crates crates
# Members of the workspace, whose manifests cargo reads; none of them is built.
COPY benches benches
COPY fuzz fuzz
COPY tests tests
# With musl, Rust links statically unless told otherwise; said here, as the second image relies on it.
RUN RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked -p verdikt-cli

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/verdikt /usr/local/bin/verdikt
# `nonroot`, by number, so that `runAsNonRoot` can be checked. Nothing is written: the root may be read-only.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/verdikt"]
# With --config, all else is said in that file.
CMD ["serve", "--config=/etc/verdikt/config/verdikt.yaml"]
EXPOSE 8443
