// Search without a server: browsers start no worker from a file:// page, so there an inner frame runs its script.
(() => {
  "use strict";
  if (location.protocol !== "file:") return;

  // What the script finds in its frame in place of a worker's own functions.
  const inside = () => {
    window.postMessage = (data) => parent.postMessage({ fromFrame: window.name, data }, "*");
    window.importScripts = (...addresses) =>
      addresses.reduce(
        (before, address) =>
          before.then(
            () =>
              new Promise((loaded, failed) => {
                const script = document.createElement("script");
                Object.assign(script, { src: address, onload: loaded, onerror: failed });
                document.body.append(script);
              }),
          ),
        Promise.resolve(),
      );
  };

  let count = 0;
  // The script looks for this name in the page around it, to find what lies beside it.
  window.Worker = window.IFrameWorker = class extends EventTarget {
    constructor(address) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.name = `worker-${(count += 1)}`;
      this.listener = (event) => {
        if (!event.data || event.data.fromFrame !== this.frame.name) return;
        const message = new MessageEvent("message", { data: event.data.data });
        this.dispatchEvent(message);
        if (this.onmessage) this.onmessage(message);
      };
      addEventListener("message", this.listener);
      document.body.append(this.frame);
      this.ready = new Promise((loaded) => this.frame.addEventListener("load", loaded, { once: true }));
      const page = this.frame.contentDocument;
      page.open();
      page.write(`<body><script>(${inside})()</` + `script><script src="${address}"></` + "script></body>");
      page.close();
    }

    postMessage(data) {
      this.ready.then(() =>
        this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) })),
      );
    }

    terminate() {
      removeEventListener("message", this.listener);
      this.frame.remove();
    }
  };
})();
