// A server that speaks MongoDB's protocol, in memory, for tests: mongo-java-server, which has no program of its own.
// It says that it is MongoDB 5.0 with wire version 8, which today's driver refuses; so a higher one is claimed.
//
// usage: java -cp 'jars/*' MongoTest.java PORT

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

public class MongoTest {
  public static void main(String[] args) throws Exception {
    MongoVersion version = new MongoVersion() {
      public List<Integer> getVersionArray() { return List.of(5, 0, 0); }
      public int getWireVersion() { return 9; }
    };
    MongoServer server = new MongoServer(new MemoryBackend().version(version));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    server.bind("127.0.0.1", Integer.parseInt(args[0]));
    System.out.println("ready");
    Thread.currentThread().join();
  }
}
