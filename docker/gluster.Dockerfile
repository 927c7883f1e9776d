# GlusterFS's server in a container of a storage host: etc/agent.yaml, `gluster`, says how it is run.
FROM debian:bookworm-slim
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends glusterfs-server procps \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
CMD ["glusterd", "--no-daemon"]
