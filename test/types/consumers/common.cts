/** An application in CommonJS, compiled: `require` of an ES module, which Node can from 20.19 on. */
import sojourn = require('sojourn');
import lmdb = require('sojourn/lmdb');

const s = sojourn.sessions({ data: sojourn.type<{ views: number }>(), store: lmdb.lmdb('./sessions') });

const views: number | undefined = s.from({}).get('views');
// @ts-expect-error
s.from({}).get('vews');

export = { s, views };
