public class Db {
    static final String FALLBACK = "jdbc:postgresql://pg:5432/claims";
}
