// A small shop on the Node client: node site.js CLIENT SETTINGS NOW; prints its port.
const http = require('node:http');
const { inseam, clientOf } = require(process.argv[2]);

const client = clientOf(JSON.parse(process.argv[3]));
const middleware = inseam(client, () => Number(process.argv[4]));

const pages = {
  '/plain': (req, res) => { res.setHeader('Cache-Control', 'public, max-age=60'); res.end('for everybody'); },
  '/badge': (req, res) => {
    res.setHeader('Vary', ['Accept', 'Accept-Encoding']);
    const { name, basket, ctx, sub } = req.inseam.visitor;
    res.writeHead(200, 'Fine', { 'Cache-Control': 'public, max-age=60', 'X-Own': '1' });
    res.end(`${sub}|${name}|${basket.count}|${ctx.language}`);
  },
  '/say': (req, res) => {
    req.inseam.login(7, 'Zoë');
    req.inseam.setBasket({ id: 'b8', count: 1 });
    req.inseam.setHandle('h');
    req.inseam.orderPlaced(1007);
    res.end('');
  },
  '/out': (req, res) => { req.inseam.login(7, 'Zoë'); req.inseam.logout(); res.writeHead(302, { Location: '/' }).end(); },
  '/much': (req, res) => {
    try { req.inseam.setHandle('x'.repeat(513)); } catch (error) { res.end(error.message); }
  },
  '/late': (req, res) => {
    res.write('gone');
    try { void req.inseam.visitor; } catch (error) { res.write(`, ${error.message}`); }
    res.end();
  },
};

const server = http.createServer((req, res) => middleware(req, res, () => pages[req.url](req, res)));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume(); // it ends with the test
