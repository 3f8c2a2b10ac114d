"""Receives events of buckets and appends each as a line to the file in its argument."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Receiver(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    do_GET = do_HEAD

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[1], "a") as events:
            event = json.loads(body) if body else {}
            said = {
                "path": self.path,
                "authorization": self.headers["Authorization"],
                "key": event.get("Key"),
                "event": event.get("EventName"),
            }
            print(json.dumps(said), file=events)
        self.do_HEAD()


HTTPServer(("127.0.0.1", 8080), Receiver).serve_forever()
